import ImageTensors
import Tensors

/// Natural scene statistics of a picture's blocks: 18 numbers at each of two scales.
struct NIQEFeatures {
    /// Pixels along a block's side at the first scale.
    static let blockSide = 96
    static let count = 36

    private static let window = GaussianWindow(length: 7, sigma: 7.0 / 6)
    /// Rows and columns between the neighbours whose products are taken.
    private static let shifts = [[0, 1], [1, 0], [1, 1], [1, -1]]

    /// 36 features for each block, row by row; NaN where a block has no texture at all.
    let blocks: [[Double]]
    /// The mean local deviation of each block, in gray levels.
    let sharpness: [Double]

    /// - Parameter levels: 1×1×H×W in 0…255, float64; what is beyond a multiple of 96 pixels on
    ///   the right and at the bottom is left out.
    init(_ levels: Tensor) throws {
        let side = Self.blockSide
        let (rows, columns) = (levels.shape[2] / side, levels.shape[3] / side)
        guard rows > 0, columns > 0 else {
            throw TensorError(
                operation: "NIQE", shapes: [levels.shape],
                reason: "at least \(side)×\(side) pixels are needed inside the border")
        }
        var picture = try levels.cropped(height: rows * side, width: columns * side)
        var blocks = [[Double]](repeating: [], count: rows * columns)
        var sharpness: [Double] = []
        for scale in 0..<2 {
            if scale > 0 {
                picture = try picture.resized(
                    height: picture.shape[2] / 2, width: picture.shape[3] / 2, dtype: .float64)
            }
            let mean = try Self.window.filteredToTheEdge(picture)
            let variance = try Self.window.filteredToTheEdge(picture.squared()) - mean.squared()
            let deviation = try variance.magnitude().squareRoot()
            // In flat areas rounding alone would decide the sign, and samples are counted by sign.
            let difference = try picture - mean
            let detail = try difference.magnitude().chosen(upTo: 1e-9, difference * 0, else: difference)
            let normalized = try detail / (deviation + 1)
            if scale == 0 {
                sharpness = try Self.cut(deviation, rows, columns).mean([1, 2]).doubles()
            }
            for (index, features) in try Self.features(Self.cut(normalized, rows, columns)).enumerated() {
                blocks[index] += features
            }
        }
        self.blocks = blocks
        self.sharpness = sharpness
    }

    /// 1×1×H×W as blocks×h×w.
    private static func cut(_ map: Tensor, _ rows: Int, _ columns: Int) throws -> Tensor {
        let (height, width) = (map.shape[2] / rows, map.shape[3] / columns)
        return try map.reshaped([rows, height, columns, width]).permuted([0, 2, 1, 3])
            .reshaped([rows * columns, height, width])
    }

    /// 18 features for each of the blocks.
    private static func features(_ blocks: Tensor) throws -> [[Double]] {
        var features = try moments(blocks).map { moments in
            let fit = AsymmetricGaussian(moments)
            return [fit.shape, (fit.left + fit.right) / 2]
        }
        for shift in shifts {
            let products = try blocks * blocks.rolled(shift, dims: [1, 2])
            for (index, moments) in try moments(products).enumerated() {
                let fit = AsymmetricGaussian(moments)
                features[index] += [fit.shape, fit.mean, fit.left, fit.right]
            }
        }
        return features
    }

    private static func moments(_ blocks: Tensor) throws -> [AsymmetricGaussian.Moments] {
        func mean(_ values: Tensor) throws -> [Double] { try values.mean([1, 2]).doubles() }
        let square = try mean(blocks.squared())
        let magnitude = try mean(blocks.magnitude())
        // Sides: mean of the squares over all samples, and the part of the samples that count.
        let sides = try [-blocks, blocks].map { side in
            try (square: mean(side.relu().squared()), part: mean((-side).isBelow(0)))
        }
        return square.indices.map { index in
            .init(
                leftSquare: sides[0].square[index] / sides[0].part[index],
                rightSquare: sides[1].square[index] / sides[1].part[index],
                magnitude: magnitude[index], square: square[index])
        }
    }
}
