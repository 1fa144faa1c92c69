import Foundation
import Testing

@testable import Training

struct RunLockTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    @Test func aFolderIsForOneRun() throws {
        var first: RunLock? = try RunLock(folder: folder.path)
        let error = try #require(throws: RunFolderError.self) { try RunLock(folder: folder.path) }
        #expect(error.kind == .inUse)
        #expect(
            error.description
                == "'\(folder.path)' is in use by another run (process \(getpid())): wait for its end, "
                + "or choose another --output")
        #expect(first != nil)
        first = nil
        _ = try RunLock(folder: folder.path)
    }

    @Test func aKilledRunLeavesTheFolderFree() throws {
        let path = RunLock.path(in: folder.path)
        let other = Process()
        other.executableURL = URL(fileURLWithPath: "/bin/sh")
        other.arguments = ["-c", "exec 9>'\(path)'; flock 9; echo locked; exec sleep 600"]
        let output = Pipe()
        other.standardOutput = output
        try other.run()
        defer { if other.isRunning { other.terminate() } }
        #expect(output.fileHandleForReading.availableData == Data("locked\n".utf8))
        let error = try #require(throws: RunFolderError.self) { try RunLock(folder: folder.path) }
        #expect(error.description.contains("'\(folder.path)' is in use by another run: "))
        kill(other.processIdentifier, SIGKILL)
        other.waitUntilExit()
        _ = try RunLock(folder: folder.path)
    }

    @Test func aFolderThatCannotBeWrittenIsNamed() throws {
        let error = try #require(throws: RunFolderError.self) { try RunLock(folder: "/proc") }
        #expect(
            error.kind == .cannotWrite && error.description.hasPrefix("'/proc/run.lock' cannot be written: "))
    }
}
