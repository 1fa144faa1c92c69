import Foundation
import ImageFiles
import ImageTensors
import Tensors

/// What baseline JPEG does to a picture, as tensor arithmetic on any device: YCbCr, colour at
/// half size (4:2:0), 8×8 cosine transforms, quantisation by the standard's example tables.
///
/// The entropy coding, which loses nothing, is left out.
/// Source: ITU-T T.81, annexes A and K; quality as libjpeg scales the tables.
public enum JPEGCompression {
    /// N×3×H×W in [-1, 1] → the same after compression, rounded to 8 bits.
    ///
    /// - Parameter qualities: one for each picture, 1…100, others are clamped; nil leaves a picture alone.
    public static func compressed(_ pictures: Tensor, qualities: [Int?]) throws -> Tensor {
        let chosen = qualities.indices.filter { qualities[$0] != nil }
        guard !chosen.isEmpty else { return pictures }
        func one(_ pictures: Tensor, _ index: Int) throws -> Tensor {
            try pictures.narrowed(0, start: index, count: 1)
        }
        let all = chosen.count == qualities.count
        let inputs = try all ? pictures : Tensor.concatenated(chosen.map { try one(pictures, $0) }, dim: 0)
        let outputs = try compressed(inputs, qualities.compactMap { $0 })
        guard !all else { return outputs }
        var place = 0
        return try Tensor.concatenated(
            qualities.indices.map { index in
                guard qualities[index] != nil else { return try one(pictures, index) }
                defer { place += 1 }
                return try one(outputs, place)
            }, dim: 0)
    }

    private static func compressed(_ pictures: Tensor, _ qualities: [Int]) throws -> Tensor {
        let size = pictures.shape
        let bottom = (16 - size[2] % 16) % 16
        let right = (16 - size[3] % 16) % 16
        let device = pictures.device
        let padded = try pictures.reflectPadded(bottom: bottom, right: right).contiguous() * 127.5 + 127.5
        let (count, height, width) = (size[0], size[2] + bottom, size[3] + right)
        let forward = try Tensor(toYCbCr, shape: [3, 3]).to(device)
        let backward = try Tensor(toRGB, shape: [3, 3]).to(device)
        let colours = try forward.matmul(padded.reshaped([count, 3, height * width]))
            .reshaped([count, 3, height, width])
        let luma = try steps(lumaTable, qualities).to(device)
        let chroma = try steps(chromaTable, qualities).to(device)
        let y = try coded(colours.narrowed(1, start: 0, count: 1) - 128, luma)
        let small = try coded(colours.narrowed(1, start: 1, count: 2).averagePooled(2), chroma)
        let large = try small.resized(height: height, width: width, kernel: .bilinear)
        let planes = try Tensor.concatenated([y + 128, large], dim: 1).reshaped([count, 3, height * width])
        return try (backward.matmul(planes).reshaped([count, 3, height, width]) / 127.5 - 1)
            .cropped(height: size[2], width: size[3]).quantized()
    }

    /// The quantiser's steps for each picture, N×1×1×1×8×8.
    private static func steps(_ table: [Int], _ qualities: [Int]) throws -> Tensor {
        let values = qualities.flatMap { quality -> [Float] in
            let quality = min(100, max(1, quality))
            let scale = quality < 50 ? 5000 / quality : 200 - quality * 2
            return table.map { Float(min(255, max(1, ($0 * scale + 50) / 100))) }
        }
        return try Tensor(values, shape: [qualities.count, 1, 1, 1, 8, 8])
    }

    /// Planes N×C×H×W through the transform, the quantiser and back; values around 0.
    private static func coded(_ planes: Tensor, _ steps: Tensor) throws -> Tensor {
        let size = planes.shape
        let (rows, columns) = (size[2] / 8, size[3] / 8)
        let transform = try Tensor(cosines, shape: [8, 8]).to(planes.device)
        let back = try transform.permuted([1, 0])
        let blocks = try planes.reshaped([size[0], size[1], rows, 8, columns, 8])
            .permuted([0, 1, 2, 4, 3, 5])
        let coefficients = try transform.matmul(blocks).matmul(back)
        let kept = try (coefficients / steps).rounded() * steps
        return try back.matmul(kept).matmul(transform).permuted([0, 1, 2, 4, 3, 5]).reshaped(size)
    }

    /// Orthonormal DCT-II, row k the k-th cosine.
    private static let cosines: [Float] = (0..<64).map { index in
        let (k, n) = (Double(index / 8), Double(index % 8))
        let norm = k == 0 ? (1.0 / 8).squareRoot() : 0.5
        return Float(norm * cos((2 * n + 1) * k * .pi / 16))
    }

    // ITU-R BT.601 as JFIF writes it; chroma is around 0 here.
    private static let toYCbCr: [Float] = [
        0.299, 0.587, 0.114, -0.168736, -0.331264, 0.5, 0.5, -0.418688, -0.081312,
    ]
    private static let toRGB: [Float] = [1, 0, 1.402, 1, -0.344136, -0.714136, 1, 1.772, 0]

    private static let lumaTable = [
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
        14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
        49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    ]
    private static let chromaTable = [
        17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
        47, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    ]
}
