import ImageFiles
import ImageTensors
import Tensors
import Testing

@Suite("Pictures as tensors")
struct ImageTensorTests {
    @Test func blackWhiteAndOrderOfChannels() throws {
        let image = try Image(
            width: 2, height: 1, channels: 3, bitDepth: 8, samples: [0, 51, 255, 255, 102, 0])
        let tensor = try image.tensor()
        #expect(tensor.shape == [1, 3, 1, 2])
        #expect(tensor.dtype == .float32)
        let expected: [Float] = [-1, 1, -0.6, -0.2, 1, -1]
        for (value, wanted) in zip(try tensor.floats(), expected) { #expect(abs(value - wanted) < 1e-7) }
    }

    @Test(arguments: [8, 16], [1, 3]) func everyLevelComesBack(bitDepth: Int, channels: Int) throws {
        let top = bitDepth == 8 ? 255 : 65535
        let samples = (0...top).flatMap { level in
            (0..<channels).map { UInt16((level + $0 * 17) % (top + 1)) }
        }
        let image = try Image(
            width: top + 1, height: 1, channels: channels, bitDepth: bitDepth, samples: samples)
        let tensor = try image.tensor(channels: channels)
        #expect(try Image(tensor: tensor, bitDepth: bitDepth) == image)
        let flat = try tensor.reshaped([channels, 1, top + 1])
        #expect(try Image(tensor: flat, bitDepth: bitDepth) == image)
    }

    @Test func alphaIsDroppedAndGrayRepeated() throws {
        let gray = try Image(
            width: 2, height: 1, channels: 2, bitDepth: 8, samples: [10, 0, 200, 128])
        let tensor = try gray.tensor()
        let back = try Image(tensor: tensor)
        #expect(back.channels == 3)
        #expect(back.samples == [10, 10, 10, 200, 200, 200])
        #expect(try Image(tensor: gray.tensor(channels: 1)).samples == [10, 200])
        let rgba = try Image(
            width: 1, height: 1, channels: 4, bitDepth: 8, samples: [1, 2, 3, 0])
        #expect(try Image(tensor: rgba.tensor()).samples == [1, 2, 3])
    }

    @Test func colourBecomesGrayWhereOneChannelIsAskedFor() throws {
        let image = try Image(width: 1, height: 1, channels: 3, bitDepth: 8, samples: [255, 0, 0])
        #expect(try Image(tensor: image.tensor(channels: 1)).samples == [76])
    }

    @Test func valuesAreClampedAndRounded() throws {
        // 0.4 of a level above and 0.6 above level 100.
        let level = { (x: Float) in x / 127.5 - 1 }
        let tensor = try Tensor([-7, 3, level(100.4), level(100.6)], shape: [1, 1, 2, 2])
        #expect(try Image(tensor: tensor).samples == [0, 255, 100, 101])
        let quantized = try tensor.quantized()
        let expected = try Tensor([-1, 1, level(100), level(101)], shape: [1, 1, 2, 2])
        #expect(try (quantized - expected).magnitude().max().item() < 1e-6)
        #expect(try tensor.quantized(levels: 2).floats() == [-1, 1, -1, -1])
    }

    @Test func metadataIsCarried() throws {
        let metadata = ImageMetadata(iccProfile: [1, 2, 3])
        let image = try Image(tensor: Tensor.zeros([3, 2, 2]), metadata: metadata)
        #expect(image.metadata == metadata)
    }

    @Test func unfitTensorsAreRefused() throws {
        #expect(throws: TensorError.self) { try Image(tensor: Tensor.zeros([2, 3, 4, 4])) }
        #expect(throws: TensorError.self) { try Image(tensor: Tensor.zeros([1, 2, 4, 4])) }
        #expect(throws: TensorError.self) { try Image(tensor: Tensor.zeros([4, 4])) }
        #expect(throws: TensorError.self) { try Image(tensor: Tensor.zeros([3, 0, 4])) }
        #expect(throws: TensorError.self) { try Image(tensor: Tensor.full([3, 4, 4], .nan)) }
        #expect(throws: TensorError.self) { try Image(tensor: Tensor.full([3, 4, 4], .infinity)) }
        #expect(throws: ImageFileError.self) { try Image(tensor: Tensor.zeros([3, 4, 4]), bitDepth: 12) }
        #expect(throws: TensorError.self) { try Tensor.zeros([1, 3, 4, 4]).quantized(levels: 1) }
        let image = try Image(width: 1, height: 1, channels: 1, bitDepth: 8, samples: [0])
        #expect(throws: TensorError.self) { try image.tensor(channels: 2) }
    }

    @Test func posesAreEightAndCanBeUndone() throws {
        let picture = try Tensor([1, 2, 3, 4, 5, 6], shape: [1, 1, 2, 3])
        let posed = try Tensor.poses.map { try picture.posed($0) }
        #expect(Set(try posed.map { "\($0.shape) \(try $0.floats())" }).count == 8)
        for (pose, turned) in zip(Tensor.poses, posed) {
            #expect(try turned.unposed(pose).floats() == [1, 2, 3, 4, 5, 6])
        }
        #expect(try posed[0].floats() == [1, 2, 3, 4, 5, 6])
        #expect(
            try picture.posed(1).shape == [1, 1, 3, 2] && picture.posed(1).floats() == [1, 4, 2, 5, 3, 6])
        #expect(try picture.posed(2).floats() == [4, 5, 6, 1, 2, 3])
        #expect(try picture.posed(4).floats() == [3, 2, 1, 6, 5, 4])
    }
}
