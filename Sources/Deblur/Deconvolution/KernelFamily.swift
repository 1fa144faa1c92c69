import Degradation
import Foundation

/// Kernels that one or two numbers describe, as a shaken or defocused camera makes them in the simplest case. Where a
/// picture's blur is of such a kind, it is found even if the picture has few clear edges: a kernel of any form has a
/// thousand values to be mistaken in.
public enum KernelFamily: String, Sendable, Codable, CaseIterable {
    /// Straight motion at constant speed.
    case straight
    /// A lens out of focus: discs and Gaussians.
    case lens

    /// A kernel of a family.
    enum Member: Equatable {
        /// Length in pixels and direction in radians.
        case straight(length: Double, angle: Double)
        case disc(radius: Double)
        case gaussian(sigma: Double)

        var kernel: BlurKernel {
            switch self {
            case .straight(let length, let angle): .linear(length: length, angle: angle)
            case .disc(let radius): .defocus(radius: radius)
            case .gaussian(let sigma): .gaussian(sigma: sigma)
            }
        }

        /// The same blur of a picture that is so many times as large.
        func scaled(by factor: Double) -> Member {
            switch self {
            case .straight(let length, let angle): .straight(length: length * factor, angle: angle)
            case .disc(let radius): .disc(radius: radius * factor)
            case .gaussian(let sigma): .gaussian(sigma: sigma * factor)
            }
        }

        /// Those around it, at a part of the distance that ``KernelFamily/members(side:)`` keeps.
        func neighbours(at part: Double) -> [Member] {
            switch self {
            case .straight(let length, let angle):
                let (far, turn) = (Member.distance(length) * part, Member.turn(length) * part)
                return [-1.0, 0, 1].flatMap { along -> [Member] in
                    [-1.0, 0, 1].map { aside -> Member in
                        .straight(length: max(0, length + along * far), angle: angle + aside * turn)
                    }
                }
            case .disc(let radius):
                return [-1.0, 1].map { .disc(radius: max(0, radius + $0 * Member.distance(radius) * part)) }
            case .gaussian(let sigma):
                return [-1.0, 1].map {
                    .gaussian(sigma: max(0, sigma + $0 * Member.distance(sigma) / 2 * part))
                }
            }
        }

        /// Between two lengths or radii, pixels.
        fileprivate static func distance(_ length: Double) -> Double { max(0.7, 0.12 * length) }

        /// Between two directions of a length, radians: ends are a pixel apart.
        fileprivate static func turn(_ length: Double) -> Double {
            .pi / max(1, min(60, (.pi * length).rounded(.up)))
        }
    }

    /// Members that leave no blur far from one of them and fit into a square of `side` pixels.
    func members(side: Int) -> [Member] {
        func steps(to end: Double, from start: Double = 0, part: Double = 1) -> [Double] {
            var values: [Double] = []
            var value = start
            while value <= end {
                values.append(value)
                value += Member.distance(value) * part
            }
            return values
        }
        switch self {
        case .straight:
            return steps(to: Double(side - 1)).flatMap { length in
                let turn = Member.turn(length)
                return (0..<max(1, Int((.pi / turn).rounded()))).map { step -> Member in
                    .straight(length: length, angle: Double(step) * turn)
                }
            }
        case .lens:
            return steps(to: Double(side / 2)).map { .disc(radius: $0) }
                + steps(to: Double(side) / 6, from: 0.3, part: 0.5).map { .gaussian(sigma: $0) }
        }
    }
}

/// How well kernels explain the gradients of a blurred picture by those of a sharp one, up to a factor:
///
///     (c · k)² / (kᵀ·A·k + μ·‖k‖²)
///
/// with c the correlation of both pictures' gradients and A that of the sharp one's with themselves. It is what
/// ‖∇x ∗ s·k − ∇y‖² + μ·‖s·k‖² falls by with the best s.
struct KernelFit {
    /// Odd.
    let side: Int
    /// c, side × side, the middle being no displacement.
    let correlation: [Float]
    /// A by displacement, (2·side − 1) × (2·side − 1), with μ added in the middle.
    let power: [Float]

    /// - Parameter kernel: of at most `side` pixels.
    func gain(of kernel: BlurKernel) -> Double {
        let offset = (side - kernel.side) / 2
        var held: [(row: Int, column: Int, value: Float)] = []
        var seen: Float = 0
        for index in kernel.values.indices where kernel.values[index] > 0 {
            let (row, column) = (index / kernel.side + offset, index % kernel.side + offset)
            held.append((row, column, kernel.values[index]))
            seen += kernel.values[index] * correlation[row * side + column]
        }
        guard seen > 0 else { return 0 }
        let width = 2 * side - 1
        let middle = (side - 1) * width + side - 1
        var all: Float = 0
        for (index, one) in held.enumerated() {
            var sum = power[middle] * one.value / 2
            for other in held[..<index] {
                sum += other.value * power[middle + (one.row - other.row) * width + one.column - other.column]
            }
            all += 2 * one.value * sum
        }
        return all > 0 ? Double(seen) * Double(seen) / Double(all) : 0
    }

    /// The best of a family.
    ///
    /// - Parameter members: ``KernelFamily/members(side:)`` of this side with their kernels.
    func best(
        of members: [(member: KernelFamily.Member, kernel: BlurKernel)]
    ) -> (member: KernelFamily.Member, kernel: BlurKernel)? {
        var best: (gain: Double, found: (member: KernelFamily.Member, kernel: BlurKernel))?
        func take(_ candidate: (member: KernelFamily.Member, kernel: BlurKernel)) {
            guard candidate.kernel.side <= side else { return }
            let gain = gain(of: candidate.kernel)
            if gain > best?.gain ?? 0 { best = (gain, candidate) }
        }
        members.forEach(take)
        var part = 0.5
        while let found = best?.found, part > 0.06 {
            for member in found.member.neighbours(at: part) where member != found.member {
                take((member, member.kernel))
            }
            part /= 2
        }
        return best?.found
    }
}
