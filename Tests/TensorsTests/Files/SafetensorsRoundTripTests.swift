import Foundation
import Testing

@testable import Tensors

@Suite("Safetensors: written and read back")
struct SafetensorsRoundTripTests {
    private let folder: FilesTestFolder

    init() throws {
        folder = try FilesTestFolder()
    }

    /// One tensor of each type, each with bytes of its own, and the odd shapes.
    private static var tensors: [TensorSource] {
        StoredDType.allCases.enumerated().map { index, dtype in
            TensorSource(
                name: "layer.\(dtype.rawValue)", dtype: dtype, shape: [2, 3],
                bytes: (0..<6 * dtype.byteCount).map {
                    dtype == .bool ? UInt8($0 % 2) : UInt8(truncatingIfNeeded: 17 * index + $0)
                })
        } + [
            TensorSource(name: "scalar", dtype: .float32, shape: [], bytes: [0, 0, 128, 63]),
            TensorSource(name: "empty", dtype: .float32, shape: [0, 4], bytes: []),
            TensorSource(name: "naïve \"\\\n\u{1}😀", dtype: .uint8, shape: [1], bytes: [7]),
        ]
    }

    private static let metadata = ["format": "pt", "note": "quote \" slash \\ tab \t 😀", "": ""]

    private static func bytes(of source: TensorSource) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try source.produce { bytes.append(contentsOf: $0) }
        return bytes
    }

    @Test func everyTypeShapeAndTextComesBack() throws {
        let path = folder.file("all.safetensors")
        try SafetensorsWriter.write(Self.tensors, metadata: Self.metadata, to: path)
        let file = try SafetensorsFile(path: path)
        #expect(file.path == path)
        #expect(file.metadata == Self.metadata)
        #expect(file.names == Self.tensors.map(\.name).sorted())
        #expect(file.byteCount == (try fileBytes(path)).count)
        for tensor in Self.tensors {
            let entry = try #require(file.entry(tensor.name))
            #expect(entry.name == tensor.name)
            #expect(entry.dtype == tensor.dtype)
            #expect(entry.shape == tensor.shape)
            let bytes = try file.withBytes(of: tensor.name) { Array($0) }
            #expect(bytes == (try Self.bytes(of: tensor)))
            #expect(bytes.count == entry.byteCount)
        }
        #expect(file.entry("scalar")?.elementCount == 1)
        #expect(file.entry("empty")?.elementCount == 0)
        #expect(file.entry("absent") == nil)
    }

    @Test func tensorsAreAligned() throws {
        let path = folder.file("aligned.safetensors")
        try SafetensorsWriter.write(Self.tensors, to: path)
        let file = try SafetensorsFile(path: path)
        for name in file.names {
            let size = try #require(file.entry(name)).dtype.byteCount
            let remainder = try file.withBytes(of: name) { bytes in
                bytes.baseAddress.map { Int(bitPattern: $0) % size } ?? 0
            }
            #expect(remainder == 0, "\(name)")
        }
    }

    @Test func outputIsDeterministic() throws {
        let (first, second) = (folder.file("a"), folder.file("b"))
        try SafetensorsWriter.write(Self.tensors, metadata: Self.metadata, to: first)
        try SafetensorsWriter.write(Self.tensors.reversed(), metadata: Self.metadata, to: second)
        #expect(try fileBytes(first) == fileBytes(second))
    }

    @Test func layoutIsExactlyAsDescribed() throws {
        let path = folder.file("exact")
        let tensors = [
            TensorSource(name: "b", dtype: .uint8, shape: [3], bytes: [1, 2, 3]),
            TensorSource(name: "a", dtype: .int16, shape: [1], bytes: [4, 5]),
        ]
        try SafetensorsWriter.write(tensors, metadata: ["k": "v"], to: path)
        let json =
            #"{"__metadata__":{"k":"v"},"a":{"data_offsets":[0,2],"dtype":"I16","shape":[1]},"#
            + #""b":{"data_offsets":[2,5],"dtype":"U8","shape":[3]}}"#
        let padded = json + String(repeating: " ", count: (8 - json.utf8.count % 8) % 8)
        let head = littleEndianBytes([UInt64(padded.utf8.count)])
        #expect(try fileBytes(path) == head + Array(padded.utf8) + [4, 5, 1, 2, 3])
    }

    @Test func aFileOfNothingComesBack() throws {
        let path = folder.file("none.safetensors")
        try SafetensorsWriter.write([], to: path)
        let file = try SafetensorsFile(path: path)
        #expect(file.names.isEmpty)
        #expect(file.metadata.isEmpty)
    }

    @Test func bytesMayComeInRuns() throws {
        let path = folder.file("runs.safetensors")
        let source = TensorSource(name: "t", dtype: .uint8, shape: [300_000]) { sink in
            for run in 0..<300 {
                try [UInt8](repeating: UInt8(run % 256), count: 1000).withUnsafeBytes {
                    try sink($0)
                }
            }
        }
        try SafetensorsWriter.write([source], to: path)
        let bytes = try SafetensorsFile(path: path).withBytes(of: "t") { Array($0) }
        #expect(bytes == (0..<300_000).map { UInt8($0 / 1000 % 256) })
    }

    @Test(.enabled(if: FilesTestPython.isAvailable, "\(FilesTestPython.missing)"))
    func anIndependentParserAgrees() throws {
        let path = folder.file("python.safetensors")
        try SafetensorsWriter.write(Self.tensors, metadata: Self.metadata, to: path)
        let printed = try FilesTestPython.run(
            """
            import json, struct, sys
            data = open(sys.argv[1], 'rb').read()
            n = struct.unpack('<Q', data[:8])[0]
            head = json.loads(data[8:8 + n].decode('utf-8'))
            assert n % 8 == 0 and data[8:9] == b'{'
            assert head.pop('__metadata__') == {
                'format': 'pt', 'note': 'quote " slash \\\\ tab \\t \\U0001F600', '': ''}
            body = data[8 + n:]
            seen = 0
            for name, t in sorted(head.items(), key=lambda item: item[1]['data_offsets']):
                begin, end = t['data_offsets']
                assert begin == seen
                seen = end
                print(ascii(name), t['dtype'], t['shape'], body[begin:end].hex())
            assert seen == len(body)
            """, path)
        var lines = printed.split(separator: "\n").map(String.init)
        #expect(lines.removeLast().hasSuffix("U8 [1] 07"))
        var expected = Self.tensors.dropLast()
        expected.sort {
            ($1.dtype.byteCount, $0.name) < ($0.dtype.byteCount, $1.name)
        }
        #expect(
            lines.sorted()
                == (try expected.map { tensor in
                    let hex = try Self.bytes(of: tensor).map { String(format: "%02x", $0) }
                    return "'\(tensor.name)' \(tensor.dtype.rawValue) \(tensor.shape) "
                        + hex.joined()
                }).sorted())
    }
}
