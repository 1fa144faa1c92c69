import Foundation
import Testing

@testable import Tensors

struct MachineMemoryTests {
    @Test func theMachineSaysHowMuchIsFree() throws {
        let free = try #require(Device.cpu.availableMemory)
        #expect(free > 1e6 && free < Double(ProcessInfo.processInfo.physicalMemory))
    }

    @Test func linesOfMeminfoAreInKibibytes() {
        #expect(
            MachineMemory.free(meminfo: "MemTotal:  100 kB\nMemAvailable:     50 kB\n") == 51200.0)
        #expect(MachineMemory.free(meminfo: "MemTotal: 100 kB\n") == nil)
        #expect(MachineMemory.free(meminfo: nil) == nil)
    }

    @Test func aControlGroupsLimitCounts() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func left(limit: String) throws -> Double? {
            try limit.write(
                to: folder.appendingPathComponent("memory.max"), atomically: true, encoding: .utf8)
            return MachineMemory.left(in: folder.path)
        }
        #expect(try left(limit: "1000\n") == nil)
        try "600\n".write(
            to: folder.appendingPathComponent("memory.current"), atomically: true, encoding: .utf8)
        #expect(try left(limit: "1000\n") == 400)
        try "anon 5\ninactive_file 150\n".write(
            to: folder.appendingPathComponent("memory.stat"), atomically: true, encoding: .utf8)
        #expect(try left(limit: "1000\n") == 550)
        #expect(try left(limit: "max\n") == nil)
    }
}
