import Degradation
import Foundation

/// Kernels that one or two numbers describe, as a shaken or defocused camera makes them in the simplest case. Where a
/// picture's blur is of such a kind, ``BlurSpectrum`` finds it even if the picture has few clear edges: a kernel of any form has a
/// thousand values to be mistaken in.
enum KernelFamily: CaseIterable {
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
