import Foundation
import Testing

@testable import Tensors

@Suite("Safetensors: what cannot be written leaves nothing behind")
struct SafetensorsWriterFailureTests {
    private let folder: FilesTestFolder

    init() throws {
        folder = try FilesTestFolder()
    }

    private func source(
        _ name: String, shape: [Int] = [2], bytes: [UInt8] = [1, 2]
    ) -> TensorSource {
        TensorSource(name: name, dtype: .uint8, shape: shape, bytes: bytes)
    }

    private func expectFailure(
        _ tensors: [TensorSource], mentioning words: String, to name: String = "out.safetensors"
    ) throws {
        let before = try folder.contents()
        let error = try #require(throws: TensorFileError.self) {
            try SafetensorsWriter.write(tensors, to: folder.file(name))
        }
        #expect(error.kind == .cannotWrite)
        #expect(error.message.contains(name))
        #expect(error.message.contains(words), "\(error)")
        #expect(try folder.contents() == before)
    }

    @Test func aNameGivenTwice() throws {
        try expectFailure([source("x"), source("x")], mentioning: "'x' is given twice")
    }

    @Test func theReservedName() throws {
        try expectFailure([source("__metadata__")], mentioning: "__metadata__")
    }

    @Test func impossibleShapes() throws {
        try expectFailure([source("x", shape: [-1])], mentioning: "'x' has an impossible shape")
        try expectFailure([source("x", shape: [.max, .max])], mentioning: "impossible")
        try expectFailure(
            [source("x", shape: [.max - 1]), source("y", shape: [.max - 1])],
            mentioning: "impossibly large")
    }

    @Test func tooFewAndTooManyBytes() throws {
        try expectFailure([source("x", bytes: [1])], mentioning: "1 bytes where its shape needs 2")
        try expectFailure([source("x", bytes: [1, 2, 3])], mentioning: "more bytes")
    }

    @Test func aMissingFolder() throws {
        try expectFailure([source("x")], mentioning: "no such folder", to: "nowhere/out")
    }

    @Test func aFolderInPlaceOfAFile() throws {
        try FileManager.default.createDirectory(
            atPath: folder.file("taken"), withIntermediateDirectories: true)
        try expectFailure([source("x")], mentioning: "it is a folder", to: "taken")
    }

    @Test func aFailingSourceKeepsTheOldFile() throws {
        struct Interrupted: Error {}
        let path = folder.file("model.safetensors")
        try SafetensorsWriter.write([source("old")], to: path)
        let failing = TensorSource(name: "new", dtype: .uint8, shape: [1000]) { sink in
            try [UInt8](repeating: 0, count: 500).withUnsafeBytes { try sink($0) }
            throw Interrupted()
        }
        #expect(throws: Interrupted.self) {
            try SafetensorsWriter.write([failing], to: path)
        }
        #expect(try SafetensorsFile(path: path).names == ["old"])
        #expect(try folder.contents() == ["model.safetensors"])
    }
}
