import Foundation
import Testing

@testable import Tensors

struct SafetensorsShardsTests {
    private static func tensors() throws -> [(name: String, value: Tensor)] {
        try (0..<6).map { index in
            ("layer.\(index)", try Tensor((0..<100).map { Float($0 + index) }, shape: [10, 10]))
        }
    }

    @Test func everyTensorComesBackFromSmallFiles() throws {
        let folder = try FilesTestFolder()
        let tensors = try Self.tensors()
        let index = folder.file("model\(SafetensorsShards.suffix)")
        // Two tensors of 400 bytes a file.
        try SafetensorsShards.write(
            TensorSource.sources(tensors), metadata: ["format": "x", "text": "ü%d"], to: index, limit: 900)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(
            names == (1...3).map { "model-0000\($0)-of-00003.safetensors" } + ["model.safetensors.index.json"]
        )
        let file = try openWeights(index)
        #expect(file is SafetensorsShards)
        #expect(file.metadata == ["format": "x", "text": "ü%d"])
        #expect(file.names == tensors.map(\.name))
        #expect(file.paths == [index] + names.dropLast().map { folder.file($0) })
        let sizes = try file.paths.map { try Data(contentsOf: URL(fileURLWithPath: $0)).count }
        #expect(file.byteCount == sizes.reduce(0, +))
        #expect(names.map(SafetensorsShards.isPart) == [true, true, true, false])
        for (name, value) in tensors {
            #expect(try #require(try file.tensor(name)).bytes() == value.bytes())
            #expect(file.entry(name)?.shape == [10, 10])
        }
        #expect(try file.tensor("absent") == nil)
        // What the index says in Hugging Face's words.
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: index)))
        let root = try #require(json as? [String: Any])
        #expect((root["metadata"] as? [String: Any])?["total_size"] as? Int == 2400)
        #expect((root["weight_map"] as? [String: String])?["layer.4"] == "model-00003-of-00003.safetensors")
        #expect(throws: TensorFileError.self) {
            try SafetensorsShards.write([], to: folder.file("model.safetensors"), limit: 900)
        }
    }

    @Test func damagedIndicesAreRefused() throws {
        let folder = try FilesTestFolder()
        let index = folder.file("m\(SafetensorsShards.suffix)")
        try SafetensorsShards.write(TensorSource.sources(Self.tensors()), to: index, limit: 900)
        func reason(_ text: String?) throws -> String {
            if let text { try Data(text.utf8).write(to: URL(fileURLWithPath: index)) }
            do { _ = try openWeights(index) } catch { return "\(error)" }
            return ""
        }
        #expect(try reason(nil) == "")
        for text in ["", "[]", "{}", #"{"metadata":{"total_size":1},"weight_map":{}}"#] {
            #expect(try reason(text).contains("not an index of safetensors files"), "\(text)")
        }
        func map(_ entry: String) -> String { #"{"metadata":{"total_size":1},"weight_map":{\#(entry)}}"# }
        #expect(try reason(map(#""layer.0":"../m-00001-of-00003.safetensors""#)).contains("not an index"))
        #expect(try reason(map(#""layer.0":"absent.safetensors""#)).contains("absent.safetensors"))
        #expect(try reason(map(#""other":"m-00001-of-00003.safetensors""#)).contains("no tensor 'other'"))
    }
}
