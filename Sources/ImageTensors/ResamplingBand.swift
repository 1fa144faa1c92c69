import ImageFiles
import Tensors

/// The weights that make a run of output samples of one axis, as a dense matrix over the
/// short run of input samples that they need.
struct ResamplingBand {
    let outputStart: Int
    let outputCount: Int
    let inputStart: Int
    let inputCount: Int
    /// outputCount × inputCount.
    let matrix: Tensor

    /// The largest matrix that is kept whole, in elements (4 MB).
    private static let wholeLimit = 1 << 20
    /// The outputs of a band where the whole matrix would be larger.
    static let bandLength = 128

    /// The bands that together make all output samples, in order.
    static func bands(for weights: ResamplingWeights, dtype: DType, device: Device) throws -> [ResamplingBand]
    {
        let (size, overflow) = weights.inputLength.multipliedReportingOverflow(by: weights.outputLength)
        let length = !overflow && size <= wholeLimit ? weights.outputLength : bandLength
        return try bands(
            for: weights, outputs: 0..<weights.outputLength, length: length, dtype: dtype, device: device)
    }

    /// The bands that make some of the output samples, in order.
    static func bands(
        for weights: ResamplingWeights, outputs: Range<Int>, length: Int = bandLength, dtype: DType,
        device: Device
    ) throws -> [ResamplingBand] {
        try stride(from: outputs.lowerBound, to: outputs.upperBound, by: length).map { start in
            try ResamplingBand(
                outputs: start..<min(start + length, outputs.upperBound), of: weights, dtype: dtype,
                device: device)
        }
    }

    private init(outputs: Range<Int>, of weights: ResamplingWeights, dtype: DType, device: Device) throws {
        let taps = outputs.lowerBound * weights.taps..<outputs.upperBound * weights.taps
        var first = weights.inputLength - 1
        var last = 0
        for tap in taps where weights.weights[tap] != 0 {
            first = min(first, Int(weights.indices[tap]))
            last = max(last, Int(weights.indices[tap]))
        }
        outputStart = outputs.lowerBound
        outputCount = outputs.count
        inputStart = first
        inputCount = last - first + 1

        // Taps reflected onto the same input add up, in Double.
        var row = [Double](repeating: 0, count: inputCount)
        var values: [Double] = []
        values.reserveCapacity(outputCount * inputCount)
        for output in outputs {
            for i in row.indices { row[i] = 0 }
            for tap in output * weights.taps..<(output + 1) * weights.taps where weights.weights[tap] != 0 {
                row[Int(weights.indices[tap]) - first] += weights.weights[tap]
            }
            for weight in row { values.append(weight) }
        }
        matrix = try Tensor(values, shape: [outputCount, inputCount], dtype: .float64).to(dtype).to(device)
    }
}
