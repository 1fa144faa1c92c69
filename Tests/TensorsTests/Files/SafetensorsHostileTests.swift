import Foundation
import Testing

@testable import Tensors

@Suite("Safetensors: files that break the rules are refused in words")
struct SafetensorsHostileTests {
    /// One broken file, and what has to be said of it.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let kind: TensorFileError.Kind
        let words: String

        var testDescription: String { name }

        init(_ name: String, _ kind: TensorFileError.Kind, _ words: String, bytes: [UInt8]) {
            (self.name, self.kind, self.words, self.bytes) = (name, kind, words, bytes)
        }

        init(_ name: String, _ words: String, header: String, body: Int = 4) {
            self.init(
                name, .malformed, words,
                bytes: Self.file(Array(header.utf8), body: body))
        }

        /// A header with one tensor `x` that is sound but for what is given.
        init(
            _ name: String, _ words: String, _ kind: TensorFileError.Kind = .malformed,
            dtype: String = "\"F32\"", shape: String = "[1]", offsets: String = "[0,4]",
            body: Int = 4
        ) {
            let header = #"{"x":{"dtype":\#(dtype),"shape":\#(shape),"data_offsets":\#(offsets)}}"#
            self.init(name, kind, words, bytes: Self.file(Array(header.utf8), body: body))
        }

        static func file(_ header: [UInt8], body: Int) -> [UInt8] {
            littleEndianBytes([UInt64(header.count)]) + header
                + [UInt8](repeating: 0, count: body)
        }
    }

    private static func tensor(_ begin: Int, _ end: Int) -> String {
        #"{"dtype":"U8","shape":[\#(end - begin)],"data_offsets":[\#(begin),\#(end)]}"#
    }

    static let lengths = [
        Case("empty file", .malformed, "too short", bytes: []),
        Case("seven bytes", .malformed, "too short", bytes: [UInt8](repeating: 1, count: 7)),
        Case(
            "header longer than file", .malformed, "only 10 bytes",
            bytes: [3, 0, 0, 0, 0, 0, 0, 0, 123, 125]),
        Case(
            "header of 100 MB and one", .malformed, "100000001",
            bytes: littleEndianBytes([UInt64(100_000_001)])),
        Case(
            "header of 2^64 - 1", .malformed, "more than the format allows",
            bytes: [UInt8](repeating: 255, count: 16)),
        Case(
            "header of nothing", .malformed, "not a JSON object",
            bytes: [UInt8](repeating: 0, count: 8)),
    ]

    static let json = [
        Case(
            "not UTF-8", .malformed, "not UTF-8",
            bytes: Case.file(Array("{\"".utf8) + [0xFF] + Array("\":1}".utf8), body: 0)),
        Case("not JSON", "not a JSON object", header: "hello"),
        Case("array", "not a JSON object", header: "[]"),
        Case("leading space", "not a JSON object", header: " {}"),
        Case("unfinished", "not valid JSON", header: "{"),
        Case("unfinished string", "unfinished string", header: "{\"x"),
        Case("trailing text", "text after the end", header: "{} {}", body: 0),
        Case("trailing comma", "missing key", header: #"{"x":1,}"#),
        Case("leading zero", "leading zero", header: #"{"x":01}"#),
        Case("unknown word", "unknown word", header: #"{"x":nope}"#),
        Case("unknown escape", "unknown escape", header: #"{"\x":1}"#),
        Case("half a surrogate pair", "surrogate", header: #"{"\ud800":1}"#),
        Case("wrong surrogate pair", "surrogate", header: #"{"\ud800\ud800":1}"#),
        Case("lone low surrogate", "surrogate", header: #"{"\udc00":1}"#),
        Case("control character", "control character", header: "{\"\n\":1}"),
        Case("too deep", "too deep", header: #"{"x":"# + String(repeating: "[", count: 100_000)),
        Case("number too large", "number too large", header: #"{"x":99999999999999999999}"#),
        Case(
            "name given twice", "'x' twice", header: #"{"x":\#(tensor(0, 4)),"x":\#(tensor(0, 4))}"#
        ),
        Case("key given twice", "'dtype' twice", header: #"{"x":{"dtype":"U8","dtype":"U8"}}"#),
        Case(
            "same name by escape", "'x' twice",
            header: #"{"x":\#(tensor(0, 4)),"\u0078":\#(tensor(0, 4))}"#),
        Case("terminal escape in a name", "\\u{1b}", header: #"{"\u001b[2J":1}"#),
    ]

    static let descriptions = [
        Case("tensor is a number", "'x' is not described", header: #"{"x":1}"#),
        Case(
            "no type", "'x' has no element type",
            header: #"{"x":{"shape":[1],"data_offsets":[0,4]}}"#),
        Case("type is a number", "'x' has no element type", dtype: "3"),
        Case("unknown type", "'F8_E4M3'", .unsupported, dtype: "\"F8_E4M3\""),
        Case("lower-case type", "'f32'", .unsupported, dtype: "\"f32\""),
        Case(
            "no shape", "'x' has no shape", header: #"{"x":{"dtype":"F32","data_offsets":[0,4]}}"#),
        Case("negative extent", "'x' has an extent", shape: "[-1]"),
        Case("negative extents with positive product", "'x' has an extent", shape: "[-1,-1]"),
        Case("fractional extent", "'x' has an extent", shape: "[1.0]"),
        Case("extent as text", "'x' has an extent", shape: "[\"1\"]"),
        Case("extent of 2^63", "number too large", shape: "[9223372036854775808]"),
        Case(
            "extent of 2^63 - 1", "'x' has an impossibly large shape",
            shape: "[9223372036854775807]"),
        Case("product overflows", "impossibly large", shape: "[4294967296,4294967296]"),
        Case(
            "product overflows to the right size", "impossibly large",
            shape: "[4294967296,4294967296,1]"),
        Case(
            "overflow hidden by a zero", "impossibly large", shape: "[0,4294967296,4294967296]",
            offsets: "[0,0]", body: 0),
        Case(
            "too many dimensions", "impossibly large",
            shape: "[1" + String(repeating: ",1", count: 64) + "]"),
        Case("no offsets", "'x' has no pair", header: #"{"x":{"dtype":"F32","shape":[1]}}"#),
        Case("one offset", "'x' has no pair", offsets: "[4]"),
        Case("three offsets", "'x' has no pair", offsets: "[0,4,8]"),
        Case("negative offset", "'x' has a data offset", offsets: "[-4,0]"),
        Case("end before begin", "before it begins", offsets: "[4,0]"),
        Case("out of range", "only 4 bytes follow", shape: "[2]", offsets: "[0,8]"),
        Case(
            "huge offsets", "only 4 bytes follow",
            offsets: "[9223372036854775803,9223372036854775807]"),
        Case("truncated body", "only 3 bytes follow", body: 3),
        Case("size does not match", "'x' has 4 bytes where", shape: "[2]"),
        Case("size does not match the type", "need 8", dtype: "\"F64\""),
    ]

    static let covers = [
        Case("overlap", "overlaps", header: #"{"x":\#(tensor(0, 3)),"y":\#(tensor(2, 4))}"#),
        Case(
            "same bytes twice", "overlaps", header: #"{"x":\#(tensor(0, 4)),"y":\#(tensor(0, 4))}"#),
        Case(
            "gap", "1 bytes before the tensor 'y'",
            header: #"{"x":\#(tensor(0, 2)),"y":\#(tensor(3, 4))}"#),
        Case("gap at the start", "before the tensor 'x'", header: #"{"x":\#(tensor(1, 4))}"#),
        Case("bytes left over", "last 4 bytes", body: 8),
        Case(
            "empty tensor inside another", "overlaps",
            header: #"{"x":\#(tensor(0, 4)),"y":\#(tensor(2, 2))}"#),
        Case("bytes without tensors", "belong to no tensor", header: "{}"),
    ]

    static let metadata = [
        Case("metadata is text", "metadata", header: #"{"__metadata__":"x"}"#, body: 0),
        Case(
            "metadata value is a number", "metadata 'k'", header: #"{"__metadata__":{"k":1}}"#,
            body: 0),
        Case(
            "metadata value is null", "metadata 'k'", header: #"{"__metadata__":{"k":null}}"#,
            body: 0),
        Case("metadata twice", "twice", header: #"{"__metadata__":{},"__metadata__":{}}"#, body: 0),
    ]

    @Test(arguments: lengths + json + descriptions + covers + metadata)
    func isRefused(_ broken: Case) throws {
        let folder = try FilesTestFolder()
        let path = try folder.write(broken.bytes, to: "hostile.safetensors")
        let error = try #require(throws: TensorFileError.self) {
            _ = try SafetensorsFile(path: path)
        }
        #expect(error.kind == broken.kind, "\(error)")
        #expect(error.path == path)
        #expect(error.message.contains("hostile.safetensors"))
        #expect(error.message.contains(broken.words), "\(error)")
        #expect(error.message.hasSuffix(".") && !error.message.contains("\u{1b}"))
        #expect(error.localizedDescription == error.message)
    }

    @Test func soundFilesWithOddHeadersAreRead() throws {
        let folder = try FilesTestFolder()
        let header =
            #"{"__metadata__":{}, "a\u00e9\ud83d\ude00\/" : {"shape":[],"extra":[1.5e3,-2,true,null],"dtype":"U8","data_offsets":[0,1]}}  "#
        let path = try folder.write(Case.file(Array(header.utf8), body: 1), to: "odd")
        let file = try SafetensorsFile(path: path)
        #expect(file.names == ["aé😀/"])
        #expect(file.entry("aé😀/")?.shape == [])
    }

    @Test func whatIsNoFile() throws {
        let folder = try FilesTestFolder()
        let pipe = folder.file("pipe")
        try #require(mkfifo(pipe, 0o600) == 0)
        for (path, kind) in [
            (folder.file("absent"), TensorFileError.Kind.notFound),
            (folder.file("absent/file"), .notFound), ("", .notFound), ("a\0b", .notFound),
            (folder.path, .unreadable), (pipe, .unreadable), ("/dev/null", .unreadable),
            (folder.file(String(repeating: "n", count: 300)), .unreadable),
        ] {
            for open in [
                { _ = try SafetensorsFile(path: path) }, { _ = try PyTorchCheckpoint(path: path) },
            ] {
                let error = try #require(throws: TensorFileError.self) { try open() }
                #expect(error.kind == kind, "\(error)")
                #expect(error.message.contains(quoted(path, limit: 4096)))
            }
        }
    }

    @Test func anUnknownTensorIsNamed() throws {
        let folder = try FilesTestFolder()
        let path = folder.file("few.safetensors")
        try SafetensorsWriter.write([], to: path)
        let file = try SafetensorsFile(path: path)
        let error = try #require(throws: TensorFileError.self) {
            try file.withBytes(of: "absent") { _ in }
        }
        #expect(error.kind == .missingTensor)
        #expect(error.message.contains("few.safetensors") && error.message.contains("'absent'"))
    }
}
