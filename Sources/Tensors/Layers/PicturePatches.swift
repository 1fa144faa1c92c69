import CKernels

extension Tensor {
    /// The patches of several pictures as channels, picture after picture: concatenation,
    /// ``pixelUnshuffled(_:)`` and channels-last memory in one pass, without gradients.
    ///
    /// - Parameters:
    ///   - pictures: N×C×H×W each, float32 on the CPU.
    ///   - patch: 1, 2 or 4; divides H and W.
    /// - Returns: N×(ΣC·patch²)×(H/patch)×(W/patch); nil where the pictures are not so.
    public static func patches(of pictures: [Tensor], size patch: Int) throws -> Tensor? {
        guard let size = pictures.first?.shape, size.count == 4, size[2] > 0, size[3] > 0,
            pictures.allSatisfy({
                let other = $0.shape
                return $0.device == .cpu && $0.dtype == .float32 && other.count == 4 && other[0] == size[0]
                    && other[2...] == size[2...]
            })
        else { return nil }
        let channels = pictures.reduce(0) { $0 + $1.shape[1] } * patch * patch
        let result = try emptyPixels([size[0], channels, size[2] / patch, size[3] / patch])
        guard let pixels = result.pixels else { return nil }
        var start = pixels.memory.assumingMemoryBound(to: Float.self)
        for picture in pictures {
            let count = picture.shape[1]
            let status = try picture.contiguous().withMemory { memory in
                var call = ck_patches()
                call.picture = memory.assumingMemoryBound(to: Float.self).baseAddress
                (call.batch, call.channels, call.height, call.width) = (size[0], count, size[2], size[3])
                (call.patch, call.pixels, call.pixel_stride) = (patch, start, pixels.stride)
                return ck_patches_to_pixels(&call)
            }
            guard status == 0 else { return nil }
            start += count * patch * patch
        }
        return result
    }

    /// The way back: ``pixelShuffled(_:)`` of channels-last float32 on the CPU, without gradients; nil where
    /// the tensor is not so.
    public func picture(ofPatches patch: Int) throws -> Tensor? {
        guard rank == 4, dtype == .float32, let pixels else { return nil }
        let size = shape
        let channels = size[1] / (patch * patch)
        let result = try Op.empty.one(
            .ints([size[0], channels, size[2] * patch, size[3] * patch]), .int(Int(DType.float32.rawValue)))
        let status = try result.withMemory { memory in
            var call = ck_patches()
            call.picture = memory.assumingMemoryBound(to: Float.self).baseAddress
            (call.batch, call.channels, call.height, call.width) = (
                size[0], channels, size[2] * patch, size[3] * patch
            )
            (call.patch, call.pixels, call.pixel_stride) = (
                patch, pixels.memory.assumingMemoryBound(to: Float.self), pixels.stride
            )
            return ck_pixels_to_patches(&call)
        }
        return status == 0 ? result : nil
    }

    /// Memory for an N×C×H×W tensor of the CPU, channels last.
    static func emptyPixels(_ shape: [Int], dtype: DType = .float32) throws -> Tensor {
        try Op.empty.one(.ints(shape), .int(Int(dtype.rawValue)), .none, .none, .none, .int(2))
    }
}
