import Degradation
import Foundation
import Tensors
import Testing

@testable import Deblur

@Suite struct KernelFamilyTests {
    /// Sum of the absolute differences, 0…2.
    private func distance(_ one: BlurKernel, _ other: BlurKernel) throws -> Double {
        let side = max(one.side, other.side)
        let planes = try [one, other].map { try BlurKernel.planes([$0], side: side) }
        return try (planes[0] - planes[1]).magnitude().sum().item()
    }

    @Test(arguments: [
        (KernelFamily.straight, BlurKernel.linear(length: 11, angle: 0.4)),
        (.straight, .linear(length: 6, angle: 2.3)), (.lens, .defocus(radius: 3.3)),
        (.lens, .gaussian(sigma: 1.9)),
    ])
    func aKernelOfTheFamilyIsFound(family: KernelFamily, kernel: BlurKernel) throws {
        let (_, blurred) = try DeconvolutionTests.pair(side: 240, kernel, noise: 0.01)
        let ways = Deconvolution(kernelSide: 21).ways.map(\.estimator)
        let estimator = try #require(ways.first { $0.family == family })
        let usual = ways[0]
        let found = try estimator.kernel(of: blurred)
        let (near, far) = (try distance(found, kernel), try distance(usual.kernel(of: blurred), kernel))
        print("\(family) of \(kernel.side) pixels: off by \(near), by \(far) without the family")
        #expect(near < 0.15)
        // Motion has the sharper kernels, of which one of any form is mistaken more.
        if family == .straight { #expect(near < far / 3) }
        #expect(try estimator.kernel(of: blurred) == found)
    }

    /// As a kernel of any form is, in a smaller version; the kernel is of the family in the picture's own pixels, too.
    @Test func aLongMotionIsFoundInALargePicture() throws {
        let kernel = BlurKernel.linear(length: 24, angle: 0.6)
        let (_, blurred) = try DeconvolutionTests.pair(side: 800, kernel)
        let ways = Deconvolution(kernelSide: 15).ways.map(\.estimator)
        let estimator = try #require(ways.first { $0.family == .straight })
        let found = try estimator.kernel(of: blurred)
        #expect(found.side > 15)
        #expect(try distance(found, kernel) < 0.6)
    }

    @Test func aPictureThatTellsNothingGivesNoNonsense() throws {
        for family in KernelFamily.allCases {
            var estimator = BlurEstimator(side: 15)
            estimator.family = family
            #expect(try estimator.kernel(of: TestModels.picture(height: 20, width: 20)) == .identity)
            let found = try estimator.kernel(of: Tensor.full([1, 3, 96, 96], 0.2))
            let isFinite = found.values.allSatisfy { $0.isFinite }
            #expect(isFinite)
        }
    }

    @Test(arguments: KernelFamily.allCases, [5, 15, 31])
    func membersFitAndLeaveNoGap(family: KernelFamily, side: Int) throws {
        let kernels = family.members(side: side).map(\.kernel)
        #expect(kernels.count > 3 && kernels.count < 2000)
        #expect(kernels.contains(.identity))
        #expect(kernels.contains { $0.side > side / 2 && $0.side <= side })
        // What lies between two members is near one of them.
        let between: BlurKernel =
            family == .straight
            ? .linear(length: 0.55 * Double(side), angle: 1.234) : .defocus(radius: 0.31 * Double(side))
        let nearest = try kernels.map { try distance($0, between) }.min() ?? 2
        print("\(family) \(side): \(kernels.count) members, one at \(nearest)")
        #expect(nearest < 0.8)
    }

    @Test func scaledMembersAreOfALargerPicture() {
        let straight = KernelFamily.Member.straight(length: 5, angle: 1).scaled(by: 2)
        #expect(straight == .straight(length: 10, angle: 1))
        #expect(KernelFamily.Member.disc(radius: 2).scaled(by: 1.5) == .disc(radius: 3))
        #expect(KernelFamily.Member.gaussian(sigma: 2).scaled(by: 0.5) == .gaussian(sigma: 1))
    }

    /// (c·k)²/(kᵀAk), by its definition.
    @Test func theGainIsWhatTheSquareFallsBy() throws {
        let side = 5
        let correlation = (0..<side * side).map { Float(sin(Double($0)) + 1) }
        let width = 2 * side - 1
        var power = [Float](repeating: 0, count: width * width)
        for index in power.indices {
            // The same for a displacement and its opposite.
            let opposite = power.count - 1 - index
            power[index] = Float(cos(Double(min(index, opposite)) * 0.37)) + (index == opposite ? 30 : 0)
        }
        let fit = KernelFit(side: side, correlation: correlation, power: power)
        let kernel = BlurKernel.linear(length: 1.6, angle: 0.5)
        try #require(kernel.side == 3)
        let plane = try BlurKernel.planes([kernel], side: side).floats()
        let seen = zip(plane, correlation).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        var all = 0.0
        for i in plane.indices {
            for j in plane.indices {
                let (down, right) = (i / side - j / side, i % side - j % side)
                all +=
                    Double(plane[i]) * Double(plane[j])
                    * Double(power[(down + side - 1) * width + right + side - 1])
            }
        }
        #expect(abs(fit.gain(of: kernel) / (seen * seen / all) - 1) < 1e-5)
        let negative = KernelFit(side: side, correlation: correlation.map { -$0 }, power: power)
        #expect(negative.gain(of: kernel) == 0)
        #expect(negative.best(of: [(.straight(length: 1.6, angle: 0.5), kernel)]) == nil)
    }
}
