extension Image {
    /// A gray picture resampled by bicubic to another size and depth, each value kept between
    /// the least and the greatest of those it is a positive sum of.
    ///
    /// - Throws: ``ImageFileError`` `.invalidArgument` as ``resized(width:height:kernel:)``.
    func resampledWithinRange(width: Int, height: Int, bitDepth: Int) throws -> Image {
        if width == self.width, height == self.height { return try converted(bitDepth: bitDepth) }
        let count = try Self.sampleCount(width: width, height: height, channels: 1)
        let columns = try ResamplingWeights(inputLength: self.width, outputLength: width)
        let rows = try ResamplingWeights(inputLength: self.height, outputLength: height)
        let scale = (bitDepth == 16 ? 65535.0 : 255.0) / Double(maxSample)

        let resampled = samples.withUnsafeBufferPointer { input in
            [UInt16](unsafeUninitializedCapacity: count) { output, filled in
                // Down first and then across, as in ``resized(width:height:kernel:)``.
                var row = [BoundedSum](repeating: BoundedSum(), count: self.width)
                row.withUnsafeMutableBufferPointer { row in
                    for y in 0..<height {
                        for x in row.indices { row[x] = BoundedSum() }
                        for tap in y * rows.taps..<(y + 1) * rows.taps where rows.weights[tap] != 0 {
                            let start = Int(rows.indices[tap]) * self.width
                            for x in row.indices {
                                row[x].add(Double(input[start + x]), weight: rows.weights[tap])
                            }
                        }
                        for x in 0..<width {
                            var sum = BoundedSum()
                            for tap in x * columns.taps..<(x + 1) * columns.taps {
                                sum.add(row[Int(columns.indices[tap])], weight: columns.weights[tap])
                            }
                            output[y * width + x] = UInt16((sum.bounded * scale).rounded())
                        }
                    }
                }
                filled = count
            }
        }
        return Image(
            unchecked: resampled, width: width, height: height, channels: 1, bitDepth: bitDepth,
            metadata: metadata)
    }
}

/// A weighted sum and the range of what entered it with a positive weight.
private struct BoundedSum {
    private var value = 0.0
    private var least = Double.infinity
    private var greatest = -Double.infinity

    mutating func add(_ term: Double, weight: Double) {
        value += weight * term
        guard weight > 0 else { return }
        least = min(least, term)
        greatest = max(greatest, term)
    }

    mutating func add(_ term: BoundedSum, weight: Double) {
        value += weight * term.value
        guard weight > 0 else { return }
        least = min(least, term.least)
        greatest = max(greatest, term.greatest)
    }

    /// The sum moved into the range, which is not empty: weights sum to 1.
    var bounded: Double { min(max(value, least), greatest) }
}
