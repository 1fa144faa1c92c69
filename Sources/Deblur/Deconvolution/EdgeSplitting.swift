import Tensors

/// The two passes over a picture between the transforms of half-quadratic splitting. Written as one loop each
/// where the tensor library would take some thirty, because a picture at a small scale costs a library more to
/// begin with than to compute.
enum EdgeSplitting {
    /// Dᵀ(m·Dx): the forward differences of x, those of strong edges only, differentiated back.
    ///
    /// - Parameters:
    ///   - picture: x, 1×1×H×W, float32 on the CPU.
    ///   - limit: an edge's squared gradient is above it.
    /// - Returns: the same shape.
    static func strongEdges(of picture: Tensor, above limit: Double) throws -> Tensor {
        let x = try picture.contiguous()
        let result = try Tensor.zeros(x.shape)
        let (height, width) = (x.shape[2], x.shape[3])
        try x.withMemory { source in
            try result.withMemory { target in
                guard let source = source.assumingMemoryBound(to: Float.self).baseAddress,
                    let target = target.assumingMemoryBound(to: Float.self).baseAddress
                else { return }
                withUnsafeTemporaryAllocation(of: Float.self, capacity: 3 * width) { rows in
                    guard var above = rows.baseAddress else { return }
                    var down = above + width
                    let right = down + width
                    differences(
                        source, row: height - 1, height, width, Float(limit), down: above, right: right)
                    for row in 0..<height {
                        differences(source, row: row, height, width, Float(limit), down: down, right: right)
                        let line = target + row * width
                        line[0] = (above[0] - down[0]) + (right[width - 1] - right[0])
                        for column in 1..<width {
                            line[column] =
                                (above[column] - down[column]) + (right[column - 1] - right[column])
                        }
                        swap(&above, &down)
                    }
                }
            }
        }
        return result
    }

    /// The forward differences of a row, 0 where there is no strong edge; edges meet.
    private static func differences(
        _ source: UnsafePointer<Float>, row: Int, _ height: Int, _ width: Int, _ limit: Float,
        down: UnsafeMutablePointer<Float>, right: UnsafeMutablePointer<Float>
    ) {
        let line = source + row * width
        let next = source + (row + 1 < height ? row + 1 : 0) * width
        @inline(__always) func put(_ column: Int, _ neighbour: Float) {
            let (y, x) = (next[column] - line[column], neighbour - line[column])
            let isStrong = y * y + x * x > limit
            down[column] = isStrong ? y : 0
            right[column] = isStrong ? x : 0
        }
        for column in 0..<(width - 1) { put(column, line[column + 1]) }
        put(width - 1, line[0])
    }

    /// The minimum over x of ‖k ∗ x − y‖² + β·‖Dx − e‖², in the frequency domain:
    ///
    ///     X = (K*·Y + β·E) / (|K|² + β·|D|²)
    ///
    /// - Parameters:
    ///   - seen: K*·Y, complex, 1×1×H×(W/2 + 1).
    ///   - edges: E, the transform of Dᵀe, of the same shape; overwritten.
    ///   - blurPower, gradientPower: |K|² and |D|², real, of the same shape.
    ///   - splitting: β.
    static func solution(
        seen: Tensor, edges: Tensor, blurPower: Tensor, gradientPower: Tensor, splitting: Double
    ) throws -> Tensor {
        let result = try edges.contiguous()
        let parts = try [result.complexParts(), seen.contiguous().complexParts()]
        let powers = try [blurPower.contiguous(), gradientPower.contiguous()]
        let (count, splitting) = (powers[0].count, Float(splitting))
        guard parts.allSatisfy({ $0.count == 2 * count }), powers[1].count == count else {
            throw TensorError(
                operation: "EdgeSplitting", shapes: [seen.shape, edges.shape, blurPower.shape],
                reason: "the spectra are not of one shape")
        }
        try parts[0].withFloats { x in
            try parts[1].withFloats { seen in
                try powers[0].withFloats { blur in
                    try powers[1].withFloats { gradient in
                        for index in 0..<count {
                            // As a library divides complex numbers by real ones, to the last bit.
                            let factor = 1 / (blur[index] + gradient[index] * splitting)
                            x[2 * index] = (seen[2 * index] + x[2 * index] * splitting) * factor
                            x[2 * index + 1] =
                                (seen[2 * index + 1] + x[2 * index + 1] * splitting) * factor
                        }
                    }
                }
            }
        }
        return result
    }
}

extension Tensor {
    /// The elements of a contiguous tensor of float32 on the CPU.
    fileprivate func withFloats(_ body: (UnsafeMutablePointer<Float>) throws -> Void) throws {
        try withMemory { memory in
            guard let start = memory.assumingMemoryBound(to: Float.self).baseAddress else { return }
            try body(start)
        }
    }
}
