extension Image {
    /// The picture resampled to another size as MATLAB's `imresize` does, with antialiasing
    /// when shrinking; see ``ResamplingWeights``.
    ///
    /// Colour is weighted by alpha (premultiplied), so that colours of transparent pixels
    /// do not bleed into opaque ones. Values are rounded and clamped once, at the end.
    ///
    /// - Throws: ``ImageFileError`` `.invalidArgument` when a side is below 1 or the result
    ///   would have more than `maximumSampleCount` samples.
    public func resized(
        width: Int, height: Int, kernel: ResamplingKernel = .bicubic
    ) throws -> Image {
        try validate()
        let count = try Self.sampleCount(width: width, height: height, channels: channels)
        if width == self.width, height == self.height { return self }
        let columns = try ResamplingWeights(
            inputLength: self.width, outputLength: width, kernel: kernel)
        let rows = try ResamplingWeights(
            inputLength: self.height, outputLength: height, kernel: kernel)

        var resized: [UInt16] = []
        resized.reserveCapacity(count)
        // One row at a time, down and then across: only two rows of Doubles are needed.
        var inputRow = [Double](repeating: 0, count: self.width * channels)
        var outputRow = [Double](repeating: 0, count: width * channels)
        for y in 0..<height {
            for i in inputRow.indices { inputRow[i] = 0 }
            for tap in y * rows.taps..<(y + 1) * rows.taps where rows.weights[tap] != 0 {
                addRow(Int(rows.indices[tap]), weight: rows.weights[tap], to: &inputRow)
            }
            resample(inputRow, by: columns, into: &outputRow)
            appendRounded(outputRow, to: &resized)
        }
        return Image(
            unchecked: resized, width: width, height: height, channels: channels,
            bitDepth: bitDepth, metadata: metadata)
    }

    /// Adds a row of samples, colour premultiplied by alpha in 0...1.
    private func addRow(_ y: Int, weight: Double, to sum: inout [Double]) {
        let start = y * width * channels
        let colorChannels = colorChannels
        let alphaScale = weight / Double(maxSample)
        samples.withUnsafeBufferPointer { samples in
            sum.withUnsafeMutableBufferPointer { sum in
                guard hasAlpha else {
                    for i in sum.indices { sum[i] += weight * Double(samples[start + i]) }
                    return
                }
                for i in stride(from: 0, to: sum.count, by: channels) {
                    let alpha = Double(samples[start + i + colorChannels])
                    for c in 0..<colorChannels {
                        sum[i + c] += alphaScale * alpha * Double(samples[start + i + c])
                    }
                    sum[i + colorChannels] += weight * alpha
                }
            }
        }
    }

    private func resample(
        _ input: [Double], by columns: ResamplingWeights, into output: inout [Double]
    ) {
        let channels = channels
        let taps = columns.taps
        input.withUnsafeBufferPointer { input in
            columns.indices.withUnsafeBufferPointer { indices in
                columns.weights.withUnsafeBufferPointer { weights in
                    output.withUnsafeMutableBufferPointer { output in
                        for x in 0..<columns.outputLength {
                            for c in 0..<channels {
                                var sum = 0.0
                                for tap in x * taps..<(x + 1) * taps {
                                    sum +=
                                        weights[tap]
                                        * input[Int(indices[tap]) * channels + c]
                                }
                                output[x * channels + c] = sum
                            }
                        }
                    }
                }
            }
        }
    }

    private func appendRounded(_ row: [Double], to target: inout [UInt16]) {
        let maximum = Double(maxSample)
        func rounded(_ value: Double) -> UInt16 {
            UInt16(min(max(value, 0), maximum).rounded())
        }
        guard hasAlpha else {
            for value in row { target.append(rounded(value)) }
            return
        }
        for i in stride(from: 0, to: row.count, by: channels) {
            let alpha = row[i + colorChannels]
            for c in 0..<colorChannels {
                // Below half a step alpha rounds to zero, and the quotient is noise.
                target.append(alpha < 0.5 ? 0 : rounded(row[i + c] / alpha * maximum))
            }
            target.append(rounded(alpha))
        }
    }
}
