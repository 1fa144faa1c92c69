import Foundation

extension Recipe {
    /// The learning rate of a step.
    ///
    /// The inverse square root is that of Vaswani et al., "Attention is all you need", 2017, sec. 5.3,
    /// with `learningRate` as its peak, which it reaches when the warm-up ends.
    ///
    /// - Parameters:
    ///   - step: steps made so far.
    ///   - progress: the spent part of the budget; past 1 the rate stays where it ended.
    public func learningRate(step: Int, progress: Double) -> Double {
        let warmup = Double(max(1, optimizer.warmupSteps))
        let count = Double(step + 1)
        var rate = optimizer.learningRate * min(1, count / warmup)
        if optimizer.schedule == .inverseSquareRoot, count > warmup {
            rate *= (warmup / count).squareRoot()
        }
        guard progress > 1 - optimizer.decayFraction, optimizer.decayFraction > 0 else { return rate }
        let left = max(0, (1 - progress) / optimizer.decayFraction)
        let part = optimizer.schedule == .cosine ? (1 - cos(.pi * left)) / 2 : left
        return rate * (optimizer.finalFraction + (1 - optimizer.finalFraction) * part)
    }
}
