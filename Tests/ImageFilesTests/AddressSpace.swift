import Foundation
import Testing

/// The memory that this process has asked for, used or not.
enum AddressSpace {
    /// The most bytes it ever had.
    static func peak() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmPeak:") })
        return try #require(Int(line.filter(\.isNumber))) * 1024
    }
}
