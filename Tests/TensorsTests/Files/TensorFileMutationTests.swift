import Testing

@testable import Tensors

@Suite("Files with random damage are read or refused, and nothing worse")
struct TensorFileMutationTests {
    private static let mutationCount = 2000

    /// Opens each mutation with `read`, which may throw nothing but a `TensorFileError`.
    private func mutate(
        _ bytes: [UInt8], in range: Range<Int>, seed: UInt64, read: (String) throws -> Void
    ) throws {
        let folder = try FilesTestFolder()
        var random = FilesTestRandom(seed: seed)
        var refusals = 0
        for round in 0..<Self.mutationCount {
            let path = try folder.write(random.mutation(of: bytes, in: range), to: "mutated")
            do {
                try read(path)
            } catch let error as TensorFileError {
                refusals += 1
                #expect(error.message.contains("mutated"))
                #expect(error.kind == .malformed || error.kind == .unsupported)
            } catch {
                Issue.record("round \(round): \(error)")
            }
        }
        // Most damage to a head shows; if none did, nothing was tried.
        #expect(refusals > Self.mutationCount / 4)
    }

    @Test(arguments: [1, 2] as [UInt64]) func safetensors(seed: UInt64) throws {
        let folder = try FilesTestFolder()
        let path = folder.file("sound.safetensors")
        let tensors = ["a", "b.weight", "c\n\u{e9}"].enumerated().map { index, name in
            TensorSource(
                name: name, dtype: .float32, shape: [index, 2],
                bytes: [UInt8](repeating: 1, count: 8 * index))
        }
        try SafetensorsWriter.write(tensors, metadata: ["note": "text \\ 😀"], to: path)
        let bytes = try fileBytes(path)
        try mutate(bytes, in: 0..<bytes.count - 24, seed: seed) { path in
            let file = try SafetensorsFile(path: path)
            for name in file.names {
                let count = try file.withBytes(of: name) { bytes in
                    bytes.reduce(into: 0) { count, _ in count += 1 }
                }
                #expect(count == file.entry(name)?.byteCount)
            }
        }
    }

    private func mutateCheckpoint(_ bytes: [UInt8], in range: Range<Int>, seed: UInt64) throws {
        try mutate(bytes, in: range, seed: seed) { path in
            let file = try PyTorchCheckpoint(path: path)
            for name in file.names {
                guard let entry = file.entry(name), entry.byteCount < 1 << 20 else { continue }
                #expect(try file.bytes(of: name).count == entry.byteCount)
            }
        }
    }

    @Test(arguments: [3, 4] as [UInt64]) func pickles(seed: UInt64) throws {
        var pickle = PickleWriter()
        pickle.code("}q\u{0}(")
        pickle.text("params")
        pickle.global("collections", "OrderedDict")
        pickle.code(")Rq\u{1}(")
        for name in ["a", "b"] {
            pickle.text(name)
            pickle.tensor(count: 4, offset: 1, shape: [1, 3], strides: [3, 1])
        }
        pickle.code("u}(")
        pickle.text("_metadata")
        pickle.code("h\u{1}ub")
        pickle.text("rest")
        pickle.code(
            "](K\u{1}G\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}NM\u{1}\u{1}J\u{1}\u{1}\u{1}\u{1}eu.")
        let bytes = ZipWriter.checkpoint(pickle: pickle.bytes).bytes()
        let start = 30 + "archive/data.pkl".utf8.count
        #expect(Array(bytes[start..<start + 4]) == Array(pickle.bytes.prefix(4)))
        try mutateCheckpoint(bytes, in: start..<start + pickle.bytes.count, seed: seed)
    }

    @Test(arguments: [false, true]) func archives(isLarge: Bool) throws {
        var zip = ZipWriter.checkpoint()
        zip.isLarge = isLarge
        let bytes = zip.bytes()
        let pickle = PickleWriter.stateDictionary().count
        try mutateCheckpoint(bytes, in: pickle + 46..<bytes.count, seed: 5)
    }
}
