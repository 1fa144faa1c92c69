import Foundation
import Testing

/// Reads event files as their formats say, with nothing of what writes them.
enum TensorBoardReader {
    /// A field of a protocol buffer.
    enum Field: Equatable {
        case varint(UInt64)
        case fixed64(UInt64)
        case fixed32(UInt32)
        case bytes([UInt8])

        var double: Double? { if case .fixed64(let bits) = self { Double(bitPattern: bits) } else { nil } }
        var float: Float? { if case .fixed32(let bits) = self { Float(bitPattern: bits) } else { nil } }
        var integer: Int? { if case .varint(let bits) = self { Int(Int64(bitPattern: bits)) } else { nil } }
        var data: [UInt8]? { if case .bytes(let bytes) = self { bytes } else { nil } }
        var string: String? { data.map { String(decoding: $0, as: UTF8.self) } }
    }

    /// One bit at a time, highest first, as the polynomial is written.
    static func crc32c(_ bytes: [UInt8]) -> UInt32 {
        func reversed<Word: FixedWidthInteger>(_ word: Word) -> Word {
            (0..<Word.bitWidth).reduce(0) { $0 << 1 | (word >> Word($1)) & 1 }
        }
        var register: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            register ^= UInt32(reversed(byte)) << 24
            for _ in 0..<8 {
                let isSet = register >> 31 == 1
                register <<= 1
                if isSet { register ^= 0x1EDC_6F41 }
            }
        }
        return ~reversed(register)
    }

    static func unmasked(_ masked: UInt32) -> UInt32 {
        let rotated = masked &- 0xA282_EAD8
        return rotated >> 17 | rotated << 15
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The records of a file; every checksum must hold and no byte be left.
    static func records(_ file: [UInt8]) throws -> [[UInt8]] {
        var rest = file[...]
        var records: [[UInt8]] = []
        while !rest.isEmpty {
            try #require(rest.count >= 12)
            let header = rest.prefix(8)
            let count = Int(number(header))
            #expect(unmasked(UInt32(number(rest.dropFirst(8).prefix(4)))) == crc32c(Array(header)))
            rest = rest.dropFirst(12)
            try #require(rest.count >= count + 4)
            let data = Array(rest.prefix(count))
            #expect(unmasked(UInt32(number(rest.dropFirst(count).prefix(4)))) == crc32c(data))
            records.append(data)
            rest = rest.dropFirst(count + 4)
        }
        return records
    }

    /// The fields of a message by number; none of ours repeats.
    static func message(_ bytes: [UInt8]) throws -> [Int: Field] {
        var rest = bytes[...]
        var fields: [Int: Field] = [:]
        func varint() throws -> UInt64 {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 70, by: 7) {
                let byte = try #require(rest.first)
                rest = rest.dropFirst()
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { return value }
            }
            throw Malformed()
        }
        func take(_ count: Int) throws -> ArraySlice<UInt8> {
            try #require(rest.count >= count)
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
        while !rest.isEmpty {
            let key = try varint()
            let field: Field
            switch key & 7 {
            case 0: field = .varint(try varint())
            case 1: field = .fixed64(number(try take(8)))
            case 2: field = .bytes(Array(try take(Int(try varint()))))
            case 5: field = .fixed32(UInt32(number(try take(4))))
            default: throw Malformed()
            }
            #expect(fields.updateValue(field, forKey: Int(key >> 3)) == nil)
        }
        return fields
    }

    struct Malformed: Error {}

    /// The scalars that TensorBoard shows of a folder's event files, in their order.
    ///
    /// By the rule of its loader (`_CheckForRestartAndMaybePurge` of plugin_event_accumulator.py): the first
    /// START is a beginning, and each further one drops what was read before of its step and later ones.
    static func shownPoints(in folder: String) throws -> [(tag: String, step: Int, value: Float)] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.contains("tfevents") }.sorted()
        var points: [(tag: String, step: Int, value: Float)] = []
        var hasBegun = false
        for name in names {
            let bytes = try #require(FileManager.default.contents(atPath: "\(folder)/\(name)"))
            for event in try records(Array(bytes)).map(message) {
                // A field that is 0 may be left out.
                let step = event[2]?.integer ?? 0
                if let session = event[7]?.data, try message(session)[1] == .varint(1) {
                    if hasBegun { points.removeAll { $0.step >= step } }
                    hasBegun = true
                }
                guard let summary = event[5]?.data else { continue }
                let value = try message(try #require(try message(summary)[1]?.data))
                guard let number = value[2]?.float else { continue }
                points.append((try #require(value[1]?.string), step, number))
            }
        }
        return points
    }
}
