import ImageFiles
import Tensors

extension Image {
    /// The colour of the picture as a 1×C×H×W float32 tensor on the CPU, black −1 and white 1.
    ///
    /// Alpha is dropped, not applied. A gray picture is repeated to three channels where three
    /// are asked for; a colour picture becomes gray where one is.
    ///
    /// - Parameter channels: 1 or 3.
    /// - Throws: ``TensorError`` where `channels` is neither; ``ImageFileError`` where the
    ///   picture's samples do not fit its size.
    public func tensor(channels: Int = 3) throws -> Tensor {
        guard channels == 1 || channels == 3 else {
            throw TensorError(
                operation: "picture to tensor", reason: "a picture becomes 1 or 3 channels, not \(channels)")
        }
        if channels < colorChannels { return try gray().tensor(channels: 1) }
        let pixels = width * height
        guard samples.count == pixels * self.channels else {
            throw TensorError(
                operation: "picture to tensor", shapes: [[self.channels, height, width]],
                reason: "the picture has \(samples.count) samples")
        }

        // Each level is rounded from Double once, so equal samples are equal floats everywhere.
        let half = Double(maxSample) / 2
        let levels = (0...maxSample).map { Float(Double($0) / half - 1) }
        let last = maxSample
        let planes = [Float](unsafeUninitializedCapacity: channels * pixels) { planes, initialized in
            samples.withUnsafeBufferPointer { samples in
                levels.withUnsafeBufferPointer { levels in
                    for channel in 0..<channels {
                        var source = channel < colorChannels ? channel : 0
                        for target in channel * pixels..<(channel + 1) * pixels {
                            planes[target] = levels[min(Int(samples[source]), last)]
                            source += self.channels
                        }
                    }
                }
            }
            initialized = channels * pixels
        }
        return try Tensor(planes, shape: [1, channels, height, width])
    }

    /// A gray or RGB picture of a tensor in [-1, 1]: clamped, then rounded to the nearest level.
    ///
    /// - Parameters:
    ///   - tensor: 1×C×H×W or C×H×W of any real element type and on any device, C = 1 or 3.
    ///   - bitDepth: 8 or 16.
    ///   - metadata: what the picture is to carry along.
    /// - Throws: ``TensorError`` where the shape is another or a value is not finite;
    ///   ``ImageFileError`` where the size or the bit depth is out of range.
    public init(tensor: Tensor, bitDepth: Int = 8, metadata: ImageMetadata = .init()) throws {
        let shape = tensor.shape
        let sides = Array(shape.suffix(3))
        guard sides.count == 3, shape.count == 3 || (shape.count == 4 && shape[0] == 1),
            sides[0] == 1 || sides[0] == 3, sides[1] > 0, sides[2] > 0
        else {
            throw TensorError(
                operation: "tensor to picture", shapes: [shape],
                reason: "a picture is made of 1×C×H×W or C×H×W with 1 or 3 channels")
        }
        let (channels, height, width) = (sides[0], sides[1], sides[2])
        let half = bitDepth == 16 ? 32767.5 : 127.5

        var samples: [UInt16] = []
        try noGrad {
            let planes = try tensor.detach().reshaped(sides)
            samples.reserveCapacity(channels * height * width)
            // In bands of rows, so that the intermediate copies stay small.
            let rows = Swift.max(1, (1 << 22) / (width * channels))
            for start in stride(from: 0, to: height, by: rows) {
                let count = Swift.min(rows, height - start)
                let band = try planes.narrowed(1, start: start, count: count).to(.cpu).to(.float32)
                guard try band.isFinite() else {
                    throw TensorError(
                        operation: "tensor to picture", shapes: [shape], reason: "a value is NaN or infinite")
                }
                let levels = try (band.clamped(-1, 1) * half + half).rounded()
                let interleaved = try levels.permuted([1, 2, 0]).floats()
                samples.append(contentsOf: interleaved.lazy.map { UInt16($0) })
            }
        }
        try self.init(
            width: width, height: height, channels: channels, bitDepth: bitDepth, samples: samples,
            metadata: metadata)
    }
}
