import Foundation
import ImageFiles
import Testing

@Suite("Resampling weights")
struct ResamplingWeightsTests {
    /// What the weights make of a signal.
    private func apply(_ weights: ResamplingWeights, to signal: [Double]) -> [Double] {
        (0..<weights.outputLength).map { output in
            (0..<weights.taps).reduce(0) { sum, tap in
                let at = output * weights.taps + tap
                return sum + weights.weights[at] * signal[Int(weights.indices[at])]
            }
        }
    }

    /// The same by another road: the signal is written out with mirrored copies on both
    /// sides, and every sample of that is weighed, not only those near the centre.
    private func naive(
        _ signal: [Double], to length: Int, scale: Double, stretch: Double,
        kernel: (Double) -> Double
    ) -> [Double] {
        var padded = signal
        let copies = 24
        for copy in 1...copies {
            let part = copy % 2 == 1 ? signal.reversed() : signal
            padded = part + padded + part
        }
        let origin = copies * signal.count
        return (1...length).map { i in
            // One-based, as the MATLAB source has it: u = x / scale + 0.5 (1 - 1 / scale).
            let u = Double(i) / scale + 0.5 * (1 - 1 / scale)
            var sum = 0.0
            var total = 0.0
            for (j, value) in padded.enumerated() {
                let weight = kernel((u - Double(j - origin + 1)) / stretch)
                sum += weight * value
                total += weight
            }
            return sum / total
        }
    }

    /// Keys' kernel, written from the paper with its parameter a.
    private func keys(_ x: Double) -> Double {
        let a = -0.5
        let s = abs(x)
        if s < 1 { return (a + 2) * pow(s, 3) - (a + 3) * pow(s, 2) + 1 }
        if s < 2 { return a * pow(s, 3) - 5 * a * pow(s, 2) + 8 * a * s - 4 * a }
        return 0
    }

    private func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(.pi * x) / (.pi * x) }

    static let ramp = (1...8).map(Double.init)

    @Test("doubling a ramp uses the four weights of a quarter step")
    func doubles() throws {
        let weights = try ResamplingWeights(inputLength: 8, outputLength: 16)
        // Output 7 sits at 3.25: distances 1.25, 0.25, 0.75, 1.75 from samples 2, 3, 4, 5.
        let used = (7 * weights.taps..<8 * weights.taps).filter { weights.weights[$0] != 0 }
        #expect(used.map { weights.indices[$0] } == [2, 3, 4, 5])
        #expect(
            used.map { weights.weights[$0] }
                == [-0.0703125, 0.8671875, 0.2265625, -0.0234375])
        let doubled = apply(weights, to: Self.ramp)
        // Inside, a ramp is reproduced: u + 1 at position u.
        for i in 4..<12 { #expect(abs(doubled[i] - (Double(i) / 2 + 0.75)) < 1e-12) }
        // At the edge the samples are 2 1 | 1 2: -0.046875 + 0.2265625 + 0.8671875 - 0.140625.
        #expect(abs(doubled[0] - 0.90625) < 1e-12)
    }

    @Test("halving a ramp uses eight stretched weights")
    func halves() throws {
        let weights = try ResamplingWeights(inputLength: 8, outputLength: 4)
        #expect(weights.taps == 8)
        let expected = [
            -0.01171875, -0.03515625, 0.11328125, 0.43359375, 0.43359375, 0.11328125,
            -0.03515625, -0.01171875,
        ]
        for output in 0..<4 {
            let row = weights.weights[output * 8..<output * 8 + 8]
            #expect(zip(row, expected).allSatisfy { abs($0 - $1) < 1e-12 })
        }
        #expect(weights.indices[..<8] == [2, 1, 0, 0, 1, 2, 3, 4])
        // By hand from these: 3·w₀ + 2·w₁ + 1·w₂ + 1·w₃ + 2·w₄ + 3·w₅ + 4·w₆ + 5·w₇.
        let halved = apply(weights, to: Self.ramp)
        #expect(abs(halved[0] - 1.44921875) < 1e-12)
        #expect(abs(halved[3] - (9 - 1.44921875)) < 1e-12)
    }

    @Test(
        "all kernels and ratios agree with a naive sum",
        arguments: ResamplingKernel.allCases,
        [(8, 16), (8, 4), (8, 3), (5, 17), (13, 7), (1, 4), (3, 1), (10, 10)])
    func agrees(kernel: ResamplingKernel, lengths: (Int, Int)) throws {
        let (input, output) = lengths
        let signal = (0..<input).map { sin(Double($0) * 1.7) + Double($0 * $0 % 5) }
        let scale = Double(output) / Double(input)
        let function: (Double) -> Double =
            switch kernel {
            case .nearest: { $0 >= -0.5 && $0 < 0.5 ? 1 : 0 }
            case .bilinear: { max(0, 1 - abs($0)) }
            case .bicubic: keys
            case .lanczos3: { abs($0) < 3 ? sinc($0) * sinc($0 / 3) : 0 }
            }
        let stretch = kernel == .nearest ? 1 : max(1, 1 / scale)
        let expected = naive(
            signal, to: output, scale: scale, stretch: stretch, kernel: function)
        let weights = try ResamplingWeights(
            inputLength: input, outputLength: output, kernel: kernel)
        for (a, b) in zip(apply(weights, to: signal), expected) { #expect(abs(a - b) < 1e-9) }
    }

    @Test("without antialiasing the kernel keeps its width")
    func keepsWidth() throws {
        let weights = try ResamplingWeights(
            inputLength: 16, outputLength: 4, antialias: false)
        #expect(weights.taps == 4)
        let signal = (0..<16).map { cos(Double($0)) }
        let expected = naive(signal, to: 4, scale: 0.25, stretch: 1, kernel: keys)
        for (a, b) in zip(apply(weights, to: signal), expected) { #expect(abs(a - b) < 1e-9) }
    }

    @Test("a given scale moves the samples, not their number")
    func usesScale() throws {
        let signal = (0..<9).map { cos(Double($0)) }
        let weights = try ResamplingWeights(inputLength: 9, outputLength: 3, scale: 0.25)
        let expected = naive(signal, to: 3, scale: 0.25, stretch: 4, kernel: keys)
        for (a, b) in zip(apply(weights, to: signal), expected) { #expect(abs(a - b) < 1e-9) }
    }

    @Test(
        "weights sum to one and stay inside", arguments: ResamplingKernel.allCases,
        [(100, 37), (37, 100), (2, 1), (1, 1), (7, 500)])
    func sumsToOne(kernel: ResamplingKernel, lengths: (Int, Int)) throws {
        let weights = try ResamplingWeights(
            inputLength: lengths.0, outputLength: lengths.1, kernel: kernel)
        #expect(weights.indices.count == weights.taps * weights.outputLength)
        #expect(weights.indices.allSatisfy { (0..<Int32(lengths.0)).contains($0) })
        for sum in apply(weights, to: [Double](repeating: 1, count: lengths.0)) {
            #expect(abs(sum - 1) < 1e-12)
        }
    }

    @Test("arguments out of range are refused")
    func refuses() {
        let calls: [(Int, Int, Double?)] = [
            (0, 1, nil), (1, 0, nil), (-3, 4, nil), (.max, .max, nil), (4, 4, 0),
            (4, 4, -1), (4, 4, .nan), (4, 4, .infinity), (4, 4, 1e-300),
            (1 << 30, 1, nil),
        ]
        for (input, output, scale) in calls {
            #expect(
                Fixtures.errorKind {
                    _ = try ResamplingWeights(
                        inputLength: input, outputLength: output, scale: scale)
                } == .invalidArgument, "\(input) \(output)")
        }
    }
}
