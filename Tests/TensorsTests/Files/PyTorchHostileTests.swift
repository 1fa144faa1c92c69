import Foundation
import Testing

@testable import Tensors

@Suite("PyTorch checkpoints: hostile ones are refused in words, and run nothing")
struct PyTorchHostileTests {
    private func expectRefusal(
        _ bytes: [UInt8], _ kind: TensorFileError.Kind, _ words: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let folder = try FilesTestFolder()
        let path = try folder.write(bytes, to: "hostile.pth")
        let error = try #require(throws: TensorFileError.self, sourceLocation: sourceLocation) {
            _ = try PyTorchCheckpoint(path: path)
        }
        #expect(error.kind == kind, "\(error)", sourceLocation: sourceLocation)
        #expect(error.message.contains("hostile.pth"), sourceLocation: sourceLocation)
        #expect(error.message.contains(words), "\(error)", sourceLocation: sourceLocation)
    }

    private func expectRefusal(
        pickle build: (inout PickleWriter) -> Void, _ kind: TensorFileError.Kind,
        _ words: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var pickle = PickleWriter()
        build(&pickle)
        try expectRefusal(
            ZipWriter.checkpoint(pickle: pickle.bytes).bytes(), kind, words,
            sourceLocation: sourceLocation)
    }

    private func expectRefusal(
        state pickle: [UInt8], _ kind: TensorFileError.Kind, _ words: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try expectRefusal(
            ZipWriter.checkpoint(pickle: pickle).bytes(), kind, words,
            sourceLocation: sourceLocation)
    }

    private func expectRefusal(
        pickle build: (inout PickleWriter) -> Void, _ words: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try expectRefusal(pickle: build, .malformed, words, sourceLocation: sourceLocation)
    }

    private func expectRefusal(
        state pickle: [UInt8], _ words: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try expectRefusal(state: pickle, .malformed, words, sourceLocation: sourceLocation)
    }

    // MARK: The archive

    @Test func notACheckpoint() throws {
        try expectRefusal([], .malformed, "not a PyTorch checkpoint")
        try expectRefusal(Array("hello".utf8), .malformed, "not a PyTorch checkpoint")
        try expectRefusal([0x80, 2, 0x8A], .unsupported, "before version 1.6")
        try expectRefusal(Array("PK".utf8), .malformed, "not a complete zip")
    }

    @Test func aTruncatedArchive() throws {
        let bytes = ZipWriter.checkpoint().bytes()
        for count in [bytes.count - 1, bytes.count - 22, bytes.count / 2, 100, 22, 4] {
            try expectRefusal(Array(bytes.prefix(count)), .malformed, "not a complete zip")
        }
    }

    @Test func whatZipCanDoButPyTorchDoesNot() throws {
        var zip = ZipWriter.checkpoint()
        zip.method = 8
        try expectRefusal(zip.bytes(), .unsupported, "compressed")
        zip = .checkpoint()
        zip.flags = 1
        try expectRefusal(zip.bytes(), .unsupported, "encrypted")
        zip = .checkpoint()
        zip.disk = 1
        try expectRefusal(zip.bytes(), .unsupported, "split")
    }

    @Test func entriesTwiceOrMissing() throws {
        var zip = ZipWriter.checkpoint()
        zip.add("archive/data/0", [])
        try expectRefusal(zip.bytes(), .malformed, "'archive/data/0' twice")
        zip = .checkpoint()
        zip.add("other/data.pkl", [])
        try expectRefusal(zip.bytes(), .malformed, "not one that PyTorch wrote")
        zip = ZipWriter()
        zip.add("readme", [])
        try expectRefusal(zip.bytes(), .malformed, "not one that PyTorch wrote")
        try expectRefusal(ZipWriter().bytes(), .malformed, "not one that PyTorch wrote")
        zip = ZipWriter()
        zip.add("archive/data.pkl", PickleWriter.stateDictionary())
        try expectRefusal(zip.bytes(), .malformed, "the tensor 'x' are missing")
    }

    @Test func bigEndianNumbers() throws {
        var zip = ZipWriter.checkpoint()
        zip.add("archive/byteorder", Array("big".utf8))
        try expectRefusal(zip.bytes(), .unsupported, "little-endian")
    }

    @Test func damagedTableOfContents() throws {
        let bytes = ZipWriter.checkpoint().bytes()
        let end = bytes.count - 22
        for (offset, value) in [(end + 16, UInt8(0xF0)), (end + 10, 9), (end + 19, 0x7F)] {
            var damaged = bytes
            damaged[offset] = value
            try expectRefusal(damaged, .malformed, "table of contents is damaged")
        }
        let directory = Int(bytes[end + 16]) | Int(bytes[end + 17]) << 8
        var damaged = bytes
        (damaged[directory + 23], damaged[directory + 27]) = (0x7F, 0x7F)
        try expectRefusal(damaged, .malformed, "cut short")
        damaged = bytes
        damaged[directory + 27] = 0x7F
        try expectRefusal(damaged, .malformed, "damaged")
        damaged = bytes
        damaged[directory + 46] = 0xFF
        try expectRefusal(damaged, .malformed, "not UTF-8")
    }

    // MARK: The pickle

    @Test(arguments: [
        ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("builtins", "getattr"),
        ("torch", "load"), ("torch", "storage"), ("torch._utils", "_rebuild_tensor"),
        ("collections", "deque"), ("numpy.core.multiarray", "scalar"), ("", ""),
        ("torch", "FloatStorage.__init__"), ("torch.FloatStorage", "x"),
    ])
    func otherPythonNamesAreRefused(module: String, name: String) throws {
        try expectRefusal(
            pickle: { pickle in
                pickle.global(module, name)
                pickle.code("(")
                pickle.text("touch owned")
                pickle.code("tR.")
            }, .unsupported, quoted(module + "." + name))
    }

    @Test(
        arguments: [0x93, 0x92, 0x81, 0x82, 0x83, 0x84, 0x94, 0x95]
            + Array("iobP0Sd2VIFLB\0".utf8).filter { $0 != 0x62 })
    func otherInstructionsAreRefused(code: UInt8) throws {
        try expectRefusal(
            pickle: { $0.raw([0x7D, code]) }, .unsupported, "0x" + String(code, radix: 16))
    }

    @Test func otherProtocolsAreRefused() throws {
        try expectRefusal(pickle: { $0.raw([0x80, 5]) }, .unsupported, "protocol 5")
    }

    @Test func brokenPickles() throws {
        try expectRefusal(pickle: { _ in }, "an early end")
        try expectRefusal(pickle: { $0.code(".") }, "too few values")
        try expectRefusal(pickle: { $0.code("}}.") }, "something left over")
        try expectRefusal(pickle: { $0.code("(}.") }, "something left over")
        try expectRefusal(pickle: { $0.code("}.}") }, "something left over")
        try expectRefusal(pickle: { $0.code("}u") }, "a missing mark")
        try expectRefusal(pickle: { $0.code("(u") }, "too few values")
        try expectRefusal(pickle: { $0.code("}(Nu") }, "without its dictionary")
        try expectRefusal(pickle: { $0.code("](NNu") }, "without its dictionary")
        try expectRefusal(pickle: { $0.code("}Na") }, "without its list")
        try expectRefusal(pickle: { $0.raw([0x4E, 0x28, 0x85]) }, "too few values")
        try expectRefusal(pickle: { $0.code("h\u{7}") }, "an unknown reference")
        try expectRefusal(pickle: { $0.code("q\u{7}") }, "too few values")
        try expectRefusal(
            pickle: {
                $0.code("X")
                $0.raw([255, 255, 255, 255, 65])
            }, "an early end")
        try expectRefusal(
            pickle: {
                $0.code("X")
                $0.raw([1, 0, 0, 0, 255])
            }, "not UTF-8")
        try expectRefusal(
            pickle: { $0.raw([0x8A, 9] + [UInt8](repeating: 1, count: 9)) }, .unsupported, "64 bits"
        )
        try expectRefusal(pickle: { $0.raw([0x8A, 8, 1]) }, "an early end")
        try expectRefusal(pickle: { $0.code("ctorch") }, "an unfinished name")
        try expectRefusal(
            pickle: { $0.code("c" + String(repeating: "t", count: 5000) + "\nx\n") },
            "an unfinished name")
        try expectRefusal(pickle: { $0.code("NQ.") }, "a strange reference")
        try expectRefusal(pickle: { $0.code("NNR.") }, "a strange call")
        try expectRefusal(
            pickle: {
                $0.global("torch", "FloatStorage")
                $0.code(")R.")
            }, "a strange call")
        try expectRefusal(
            pickle: {
                $0.global("torch._utils", "_rebuild_tensor_v2")
                $0.code(")R.")
            }, "a strange tensor")
        try expectRefusal(
            pickle: {
                $0.global("torch._utils", "_rebuild_parameter")
                $0.code(")R.")
            }, "a strange call")
        try expectRefusal(pickle: { $0.code("}}b.") }, .unsupported, "sets attributes")
        try expectRefusal(pickle: { $0.code("N.") }, .unsupported, "dictionary of tensors")
        try expectRefusal(pickle: { $0.code("})Ns.") }, .unsupported, "neither text nor numbers")
    }

    // MARK: Large, deep and circular

    @Test func tuplesAMillionDeep() throws {
        try expectRefusal(
            pickle: { $0.raw([0x4E] + [UInt8](repeating: 0x85, count: 1 << 20)) }, .unsupported,
            "tuples too deep")
    }

    @Test func listsAMillionDeep() throws {
        try expectRefusal(
            pickle: {
                $0.code("}K\u{1}")
                $0.raw([UInt8](repeating: 0x5D, count: 1_000_000))
                $0.raw([UInt8](repeating: 0x61, count: 999_999))
                $0.code("s.")
            }, .unsupported, "too deep")
        // The same, given up halfway.
        try expectRefusal(
            pickle: {
                $0.raw([UInt8](repeating: 0x5D, count: 1_000_000))
                $0.raw([UInt8](repeating: 0x61, count: 999_999))
            }, "an early end")
    }

    @Test func dictionariesThatContainThemselves() throws {
        try expectRefusal(pickle: { $0.code("}q\u{1}Nh\u{1}s.") }, .unsupported, "neither text")
        try expectRefusal(
            pickle: { $0.code("}q\u{1}K\u{1}h\u{1}s.") }, .unsupported, "contain themselves")
    }

    @Test func oneListManyTimesOver() throws {
        // Each list holds the one before twice: a thousand million items if unrolled.
        try expectRefusal(
            pickle: {
                $0.code("}K\u{1}(]q\u{1}")
                for _ in 0..<28 { $0.code("](h\u{1}h\u{1}eq\u{1}") }
                $0.code("ts.")
            }, .unsupported, "too large")
    }

    @Test func tooManyInstructionsAndTooDeepAStack() throws {
        try expectRefusal(
            pickle: { $0.raw([UInt8](repeating: 0x4E, count: 1 << 20 + 1)) }, .unsupported,
            "too deep a stack")
        try expectRefusal(
            pickle: {
                $0.code("}")
                $0.raw([UInt8](repeating: 0x28, count: 1 << 22))
            },
            .unsupported, "more instructions")
    }

    @Test func overlongKeys() throws {
        try expectRefusal(
            state: PickleWriter.stateDictionary([String(repeating: "k", count: 5000)]),
            .unsupported, "overlong keys")
    }

    // MARK: The tensors

    @Test func twoTensorsOfOneName() throws {
        try expectRefusal(
            state: PickleWriter.stateDictionary(["x", "x"]), "two tensors called 'x'")
    }

    @Test func viewsBeyondTheirStorage() throws {
        typealias Writer = PickleWriter
        let beyond = "the tensor 'x' reaches beyond"
        try expectRefusal(state: Writer.stateDictionary(shape: [5]), beyond)
        try expectRefusal(state: Writer.stateDictionary(offset: 1), beyond)
        try expectRefusal(state: Writer.stateDictionary(offset: 5, shape: [0]), beyond)
        try expectRefusal(state: Writer.stateDictionary(strides: [2]), beyond)
        try expectRefusal(state: Writer.stateDictionary(strides: [.max]), beyond)
        try expectRefusal(state: Writer.stateDictionary(offset: .max), beyond)
        try expectRefusal(
            state: Writer.stateDictionary(shape: [2, 2], strides: [.max, .max]), beyond)
        let needs = "the tensor 'x' needs more bytes"
        try expectRefusal(state: Writer.stateDictionary(count: 5), needs)
        try expectRefusal(state: Writer.stateDictionary(count: .max), needs)
        try expectRefusal(state: Writer.stateDictionary(storageType: "DoubleStorage"), needs)
    }

    @Test func impossibleViews() throws {
        typealias Writer = PickleWriter
        let words = "the tensor 'x' has an impossible"
        try expectRefusal(state: Writer.stateDictionary(offset: -1), words)
        try expectRefusal(state: Writer.stateDictionary(strides: [-1]), words)
        try expectRefusal(state: Writer.stateDictionary(shape: [-4]), words)
        try expectRefusal(state: Writer.stateDictionary(shape: [4], strides: []), words)
        try expectRefusal(state: Writer.stateDictionary(shape: [.max], strides: [0]), words)
        try expectRefusal(
            state: Writer.stateDictionary(shape: [1 << 40, 1 << 40], strides: [0, 0]), words)
        try expectRefusal(state: Writer.stateDictionary(count: -1), "a strange reference")
        try expectRefusal(
            state: Writer.stateDictionary(
                shape: [Int](repeating: 1, count: 65), strides: [Int](repeating: 1, count: 65)),
            "a strange shape")
    }

    @Test func elementsRepeatedWithoutEnd() throws {
        try expectRefusal(
            state: PickleWriter.stateDictionary(shape: [1 << 40], strides: [0]), .unsupported,
            "repeat their elements")
        try expectRefusal(
            state: PickleWriter.stateDictionary(
                (0..<100).map(String.init), shape: [1 << 20], strides: [0]), .unsupported,
            "repeat their elements")
    }

    @Test func foreignStorages() throws {
        try expectRefusal(
            state: PickleWriter.stateDictionary(key: "1"), "the tensor 'x' are missing")
        try expectRefusal(
            state: PickleWriter.stateDictionary(key: "../data.pkl"), "the tensor 'x' are missing")
        try expectRefusal(
            state: PickleWriter.stateDictionary(storageType: "ComplexFloatStorage"), .unsupported,
            "'torch.ComplexFloatStorage'")
    }
}
