import Foundation
import Tensors

/// A model together with what it is measured by.
public protocol Evaluator: AnyObject {
    var metrics: [EvaluationMetric] { get }
    /// Outputs that need no sampling, the input itself first.
    var baselines: [EvaluationPoint] { get }
    /// What decides an output besides model, picture and method, for example the seed.
    var conditions: [String: String] { get }

    func subject(_ pair: EvaluationPair) throws -> EvaluationSubject

    /// 1×3×H×W in [-1, 1], and the seconds it took.
    func baseline(_ point: EvaluationPoint, of subject: EvaluationSubject) throws -> Timed<Tensor>

    /// Draws the samples of a method one after the other and hands over the mean of the first k for
    /// each k of the method's; the seconds are those of the k samples.
    func draw(
        _ method: EvaluationMethod, of subject: EvaluationSubject,
        mean: (_ count: Int, Timed<Tensor>) throws -> Void) throws
}

/// What was made of a picture, and the seconds that were spent on it.
public struct Timed<Made> {
    let made: Made
    let seconds: Double

    static func measuring(_ body: () throws -> Made) rethrows -> Timed {
        let start = DispatchTime.now()
        let made = try body()
        return Timed(made: made, seconds: start.secondsAgo)
    }
}

extension DispatchTime {
    var secondsAgo: Double {
        Double(DispatchTime.now().uptimeNanoseconds - uptimeNanoseconds) / 1e9
    }
}

extension InferencePrecision {
    /// What of an output is decided by it; nothing where it is the usual one.
    var conditions: [String: String] { self == .float32 ? [:] : ["precision": rawValue] }
}
