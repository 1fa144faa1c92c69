import Diffusion
import Foundation
import Tensors
import Testing

@testable import Evaluation
@testable import Metrics

@Suite("Means and their confidence")
struct SummaryTests {
    /// Five values with known mean and deviation: t of 4 degrees of freedom is 2.77645.
    @Test func halfWidthIsStudents() {
        let estimate = EvaluationSummary.Estimate([1, 2, 3, 4, 5])
        #expect(estimate.mean == 3)
        #expect(abs(estimate.halfWidth - 2.77645 * (2.5 / 5).squareRoot()) < 1e-6)
    }

    /// Quantiles from tables of Student's distribution.
    @Test(arguments: [(12, 2.17881), (15, 2.13145), (20, 2.08596), (30, 2.04227), (99, 1.98422)])
    func quantilesBeyondTheTable(freedom: Int, wanted: Double) {
        // Values ±1 in equal numbers have a known variance.
        let count = freedom + 1
        let values = (0..<count).map { Double($0) }
        let middle = Double(freedom) / 2
        let variance = values.reduce(0) { $0 + ($1 - middle) * ($1 - middle) } / Double(freedom)
        let found = EvaluationSummary.Estimate(values).halfWidth / (variance / Double(count)).squareRoot()
        #expect(abs(found - wanted) < 2e-4)
    }

    @Test func oneValueAndInfinityHaveNoInterval() {
        #expect(EvaluationSummary.Estimate([7]).halfWidth.isNaN)
        let infinite = EvaluationSummary.Estimate([30, .infinity])
        #expect(infinite.mean == .infinity)
        #expect(infinite.halfWidth.isNaN)
    }

    @Test func labelsAndIdentifiers() {
        func method(_ kind: SamplingDefaults.Method, _ steps: Int, eta: Double = 0) -> EvaluationMethod {
            EvaluationMethod(
                SamplingDefaults(method: kind, steps: steps, eta: eta), maximumNoise: 0.5, samples: [4, 1, 4])
        }
        #expect(method(.ddim, 1).samples == [1, 4])
        #expect(method(.ddim, 1).label(samples: 1) == "1 ddim from noise 0.5 step")
        #expect(method(.ddim, 5, eta: 1).label(samples: 4) == "5 ddim η=1 from noise 0.5 steps × 4")
        #expect(
            EvaluationMethod(SamplingDefaults(method: .ddpm, steps: 3, variance: 2), samples: [1])
                .label(samples: 1) == "3 ddpm σ²=2 steps")
    }

    /// A network whose vector is the mean and the square mean of a patch.
    private struct Moments: FeatureNetwork {
        let name = "moments"
        let featureCount = 2
        let minimumSide = 1

        func features(of picture: Tensor) throws -> Tensor {
            try Tensor([Float(picture.mean().item()), Float(picture.squared().mean().item())])
        }
    }

    private static func rows(_ tensor: Tensor) throws -> [[Double]] {
        let values = try tensor.to(.float64).doubles()
        return stride(from: 0, to: values.count, by: 2).map { Array(values[$0..<$0 + 2]) }
    }

    private static func kernel(_ a: [Double], _ b: [Double]) -> Double {
        pow((a[0] * b[0] + a[1] * b[1]) / 2 + 1, 3)
    }

    /// The distance of a set is over all patches of all its pictures, but for each with its own original.
    @Test func aDistanceOfSetsIsOverAllPictures() throws {
        let patches = PatchFeatures(Moments())
        let metrics = [EvaluationMetric.colourShift, .kid(Moments())]
        let point = EvaluationPoint(baseline: "input", .input)
        var (outputs, originals): ([Tensor], [Tensor]) = ([], [])
        let results = try (0..<3).map { index in
            let (height, width) = (100 + 40 * index, 150)
            let ramp = (0..<3 * height * width).map { sin(Float($0 * (index + 3)) * 0.01) }
            let original = try Tensor(ramp, shape: [1, 3, height, width])
            let output = try original * 0.6
            outputs.append(try #require(try patches(output)))
            originals.append(try #require(try patches(original)))
            return EvaluationResult(
                set: "s", picture: "\(index)", point: point, values: [Double(index), .nan], seconds: 1,
                features: try PictureFeatures(patches, output: output, original: original))
        }
        #expect(outputs.map { $0.shape[0] } == [2, 4, 4])
        let summary = try #require(EvaluationSummary.summaries(of: results, metrics).first)
        // The definition, pair by pair.
        let (x, y) = (try outputs.map(Self.rows), try originals.map(Self.rows))
        var (sum, count) = (0.0, 0.0)
        for (i, j) in [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)] {
            for p in x[i].indices {
                for q in x[j].indices {
                    sum += Self.kernel(x[i][p], x[j][q]) + Self.kernel(y[i][p], y[j][q])
                    sum -= 2 * Self.kernel(x[i][p], y[j][q])
                    count += 1
                }
            }
        }
        let wanted = sum / count
        #expect(summary.values[0].mean == 1)
        #expect(abs(summary.values[1].mean - wanted) < 1e-9)
        #expect(wanted > 0.1)
        #expect(try KernelDistance.paired(originals, originals) == 0)
        #expect(summary.values[1].halfWidth.isNaN)
        // Pictures smaller than a patch leave a set without a distance.
        let without = results.map {
            EvaluationResult(set: "s", picture: $0.picture, point: point, values: $0.values, seconds: 1)
        }
        #expect(EvaluationSummary.summaries(of: without, metrics)[0].values[1].mean.isNaN)
    }

    @Test(arguments: [(63, []), (64, [0]), (127, [31]), (128, [0, 64]), (400, [0, 112, 224, 336])])
    func patchesLieEvenly(length: Int, wanted: [Int]) {
        #expect(PatchFeatures.starts(length) == wanted)
    }
}
