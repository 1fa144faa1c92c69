import Degradation
import Foundation
import ImageFiles
import ImageTensors
import Tensors
import Testing

@Suite("Downscaling")
struct DownscalingTests {
    @Test func sidesAreRoundedUpAndValuesAreLevels() throws {
        let x = try Tensor.full([2, 3, 10, 13], 0.123)
        let small = try Downscaling(scale: 4)(x)
        #expect(small.shape == [2, 3, 3, 4])
        #expect(try (small - (143.0 / 127.5 - 1)).magnitude().max().item() < 1e-6)
        let unrounded = try Downscaling(scale: 4, quantize: false)(x)
        #expect(try (unrounded - 0.123).magnitude().max().item() < 1e-6)
        #expect(try Downscaling(scale: 1)(x).shape == x.shape)
    }

    @Test func isTheResamplerAwayFromEdges() throws {
        let values = (0..<2304).map { (i: Int) -> Float in Float((i * 7919) % 256) / 127.5 - 1 }
        let x = try Tensor(values, shape: [1, 3, 32, 24])
        let inner = { (x: Tensor) in try x.narrowed(2, start: 2, count: 4).narrowed(3, start: 2, count: 2) }
        let expected = try inner(x.resized(height: 8, width: 6))
        let unrounded = try inner(Downscaling(scale: 4, quantize: false)(x))
        #expect(try (unrounded - expected).magnitude().max().item() < 1e-6)
        // Two roundings of at most half a level; the first is spread by the second axis.
        let rounded = try inner(Downscaling(scale: 4)(x))
        #expect(try (rounded - expected).magnitude().max().item() < 1.2 / 127.5)
    }

    @Test func unfitArgumentsAreRefused() throws {
        let x = try Tensor.zeros([1, 3, 8, 8])
        for scale in [0, -1, 0.5, 257, 1e300, .nan, .infinity] {
            #expect(throws: TensorError.self) { try Downscaling(scale: scale)(x) }
        }
        #expect(throws: TensorError.self) { try Downscaling(scale: 2)(Tensor.zeros([8, 8])) }
        #expect(throws: TensorError.self) { try modcrop(x, scale: 9) }
        #expect(throws: TensorError.self) { try modcrop(x, scale: 0) }
    }

    @Test func modcropKeepsTheTopLeft() throws {
        let x = try Tensor((0..<35).map(Float.init), shape: [1, 1, 5, 7])
        let cut = try modcrop(x, scale: 3)
        #expect(cut.shape == [1, 1, 3, 6])
        #expect(try cut.floats().prefix(7) == [0, 1, 2, 3, 4, 5, 7])
    }
}

/// The low-resolution pictures of the test sets, from their originals.
@Suite("Downscaling of the test sets")
struct TestSetDownscalingTests {
    private static let root: String =
        ProcessInfo.processInfo.environment["RESTORE_DATA"]
        ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("shared/data").path

    @Test(
        .enabled(
            if: FileManager.default.fileExists(atPath: root + "/test"), "there is no test data (RESTORE_DATA)"
        ),
        arguments: ["set5", "set14", "bsd100"])
    func comesOutBitForBit(set: String) throws {
        let folder = "\(Self.root)/test/\(set)"
        for name in try FileManager.default.contentsOfDirectory(atPath: folder + "/hr").sorted() {
            let hr = try Image.read(from: "\(folder)/hr/\(name)")
            let lr = try Image.read(from: "\(folder)/lr_x4/\(name)")
            let made = try Image(tensor: Downscaling(scale: 4)(hr.tensor(channels: hr.colorChannels)))
            #expect(made.samples == lr.samples, "\(set)/\(name)")
        }
    }
}
