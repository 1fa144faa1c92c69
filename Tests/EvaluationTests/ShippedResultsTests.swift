import Evaluation
import Foundation
import Tensors
import Testing
import Training

/// What stands in Results/ must have been measured with the weights that ship.
@Suite("Results of the shipped weights")
struct ShippedResultsTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static func files(_ suffix: String) -> [URL] {
        let all = FileManager.default.enumerator(
            at: root.appendingPathComponent("Results"), includingPropertiesForKeys: nil)
        return (all?.compactMap { $0 as? URL } ?? []).filter { $0.lastPathComponent.hasSuffix(suffix) }
    }

    /// Digest of the shipped weights of a name.
    private static func shipped(_ name: String) throws -> String {
        let paths = ["SR3", "Deblur"].flatMap { task in
            [".safetensors", SafetensorsShards.suffix].map {
                root.appendingPathComponent("Sources/\(task)/Models/\(name)\($0)").path
            }
        }
        let path = try #require(
            paths.first(where: FileManager.default.fileExists(atPath:)), "no weights '\(name)' ship")
        return try FileDigest.sha256(openWeights(path).paths)
    }

    private struct Measured: Decodable {
        var format: String
        var version: Int
        var command: String
        var conditions: [String: String]
        var metrics: [EvaluationDocument.Metric]
        var model: EvaluationDocument.Model
    }

    @Test func noFileIsStale() throws {
        let files = Self.files(".json")
        try #require(!files.isEmpty)
        for file in files {
            let measured = try JSONDecoder().decode(Measured.self, from: Data(contentsOf: file))
            #expect(measured.format == "restore-evaluation" && measured.version == 1)
            #expect(measured.command.hasPrefix("restore ") && measured.conditions["seed"] != nil)
            #expect(!measured.metrics.isEmpty && measured.metrics.allSatisfy { !$0.protocolText.isEmpty })
            let wanted = try Self.shipped(measured.model.name)
            #expect(
                measured.model.sha256 == wanted,
                "\(file.lastPathComponent) is stale: other weights of \(measured.model.name) ship now; run make results"
            )
        }
    }

    @Test func noPageIsStale() throws {
        for name in ["sr3-x4", "sr3-x4-real", "deblur"] {
            let page = Self.root.appendingPathComponent("Results/\(name).md")
            let text = try String(contentsOf: page, encoding: .utf8)
            let wanted = "Weights: \(name), SHA-256 \(try Self.shipped(name))."
            let isCurrent = text.contains(wanted)
            #expect(
                isCurrent, "\(name).md is stale: other weights of \(name) ship now; run make results")
        }
    }

    /// Pages of benchmarks name a digest of what a denoiser's step is made of.
    @Test(arguments: ["benchmarks", "parts", "integers"]) func theBenchmarksTimedTheseSources(_ name: String)
        throws
    {
        let page = Self.root.appendingPathComponent("Results/\(name).md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let line = try #require(text.firstMatch(of: /Sources timed \((.+)\), SHA-256 ([0-9a-f]{64})\./))
        let folders = line.1.split(separator: ", ").map { Self.root.appendingPathComponent(String($0)) }
        try #require(folders.count >= 3)
        let files = folders.flatMap { folder -> [String] in
            let all = FileManager.default.enumerator(
                at: folder, includingPropertiesForKeys: [.isRegularFileKey])
            return (all?.compactMap { $0 as? URL } ?? []).filter {
                (try? $0.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) == true
            }.map(\.path)
        }
        let digest = try FileDigest.sha256(files.sorted())
        #expect(
            line.2 == digest, "\(name).md is stale: what it timed has changed; run Results/remake-\(name).sh")
    }
}
