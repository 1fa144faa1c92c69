import Foundation
import ImageTensors
import Metrics
import PythonReference
import Tensors
import Testing

@Suite(
    "SqueezeNet feature distance",
    .enabled(if: TestData.exists(TestData.trunk), "there are no SqueezeNet weights (RESTORE_DATA)"))
struct SqueezeNetFeatureDistanceTests {
    private func distance() throws -> SqueezeNetFeatureDistance {
        try SqueezeNetFeatureDistance(path: TestData.path(TestData.trunk))
    }

    @Test func equalPicturesAreAtNoDistance() throws {
        let x = try TestData.synthetic(height: 64, width: 48, seed: 3)
        #expect(try distance()(x, x) == 0)
    }

    @Test func isSymmetricAndGrayEqualsRepeatedGray() throws {
        let sfd = try distance()
        let a = try TestData.synthetic(height: 40, width: 40, channels: 1, seed: 3)
        let b = try TestData.synthetic(height: 40, width: 40, channels: 1, seed: 4)
        let forward = try sfd(a, b)
        #expect(forward > 0)
        #expect(abs(try sfd(b, a) - forward) < 1e-6 * forward)
        let threefold = try sfd(a.expanded([1, 3, 40, 40]), b.expanded([1, 3, 40, 40]))
        #expect(abs(threefold - forward) < 1e-6 * forward)
    }

    @Test func seventeenPixelsAreTheLeast() throws {
        let sfd = try distance()
        let a = try Tensor.zeros([1, 3, 17, 17])
        #expect(try sfd(a, a) == 0)
        let small = try Tensor.zeros([1, 3, 16, 40])
        #expect(throws: TensorError.self) { try sfd(small, small) }
    }

    @Test(
        .enabled(if: PythonReference.python != nil, Comment(rawValue: PythonReference.missing)),
        arguments: [(17, 17), (65, 82), (128, 96)])
    func equalsPyTorch(height: Int, width: Int) throws {
        let others = 3
        let levels = (0...others).map {
            TestData.syntheticLevels(height: height, width: width, seed: UInt32($0))
        }
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("sfd-\(UUID().uuidString).raw")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(levels.joined()).write(to: file)
        let expected = try pythonDistances(
            file: file.path, arguments: ["\(others)", "\(height)", "\(width)"])
        try #require(expected.count == others)

        let sfd = try distance()
        let pictures = try (0...others).map {
            try TestData.synthetic(height: height, width: width, seed: UInt32($0))
        }
        for (other, wanted) in zip(pictures.dropFirst(), expected) {
            let found = try sfd(pictures[0], other)
            print("SFD \(height)×\(width): \(found), PyTorch \(wanted)")
            #expect(wanted > 0.001)
            #expect(abs(found - wanted) < 1e-4 * wanted)
        }
    }

    private func pythonDistances(file: String, arguments: [String]) throws -> [Double] {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Fixtures/squeezenet_feature_distance.py")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(PythonReference.python))
        process.arguments = [script.path, TestData.path(TestData.trunk), file] + arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return text.split(separator: "\n").compactMap { Double($0) }
    }

    @Test(.enabled(if: TestData.exists("test"), "there is no folder of test data (RESTORE_DATA)"))
    func bicubicSet14IsInTheKnownRange() throws {
        let sfd = try distance()
        for (name, hr, lr) in try TestData.pairs("set14").prefix(8) {
            let output = try lr.resized(height: hr.shape[2], width: hr.shape[3])
            let found = try sfd(output, hr)
            print("SFD of bicubic ×4, set14/\(name): \(found)")
            #expect((0.40...0.79).contains(found), "\(name)")
        }
    }

    @Test func aFileOfAnotherNetworkIsRefused() throws {
        #expect(throws: TensorFileError.self) {
            try SqueezeNetFeatureDistance(path: TestData.path("metrics/niqe_pristine.safetensors"))
        }
        #expect(throws: TensorFileError.self) {
            try SqueezeNetFeatureDistance(path: TestData.path("metrics/absent.safetensors"))
        }
    }
}
