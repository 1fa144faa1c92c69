import Degradation
import Foundation
import Testing

@testable import Training

struct EstimateStoreTests {
    private static let kernels = [
        BlurKernel.identity, .linear(length: 7, angle: 0.4), .defocus(radius: 2), .gaussian(sigma: 1.3),
    ]

    @Test func kernelsComeBackToTheLastBit() throws {
        let folder = try TestFolder()
        let store = try EstimateStore(folder: folder.file("cache"), count: 4, of: ["a", "b"])
        #expect(store.load() == nil)
        store.save(Self.kernels)
        #expect(store.load() == Self.kernels)
        #expect(
            try EstimateStore(folder: folder.file("cache"), count: 4, of: ["a", "b"]).load() == Self.kernels)
    }

    @Test func whatIsMadeOfOtherThingsHasAnotherFile() throws {
        let folder = try TestFolder()
        try EstimateStore(folder: folder.file("cache"), count: 4, of: ["a", "b"]).save(Self.kernels)
        for description in [["a"], ["a", "c"], ["ab"]] {
            #expect(try EstimateStore(folder: folder.file("cache"), count: 4, of: description).load() == nil)
        }
    }

    /// A damaged file is as good as none, and is written anew.
    @Test func damageIsNoError() throws {
        let folder = try TestFolder()
        let store = try EstimateStore(folder: folder.file("cache"), count: 4, of: ["a"])
        store.save(Self.kernels)
        let name = try #require(
            FileManager.default.contentsOfDirectory(atPath: folder.file("cache")).first)
        try Data("no tensors".utf8).write(to: URL(fileURLWithPath: folder.file("cache/\(name)")))
        #expect(store.load() == nil)
        store.save(Self.kernels)
        #expect(store.load() == Self.kernels)
    }

    @Test func aFolderThatCannotBeIsNoError() throws {
        let folder = try TestFolder()
        try Data().write(to: URL(fileURLWithPath: folder.file("taken")))
        let store = try EstimateStore(folder: folder.file("taken"), count: 4, of: ["a"])
        store.save(Self.kernels)
        #expect(store.load() == nil)
    }
}
