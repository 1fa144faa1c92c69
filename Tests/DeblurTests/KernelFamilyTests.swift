import Degradation
import Tensors
import Testing

@testable import Deblur

@Suite struct KernelFamilyTests {
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
        let nearest = try kernels.map { try $0.distance(to: between) }.min() ?? 2
        print("\(family) \(side): \(kernels.count) members, one at \(nearest)")
        #expect(nearest < 0.8)
    }

    @Test func scaledMembersAreOfALargerPicture() {
        let straight = KernelFamily.Member.straight(length: 5, angle: 1).scaled(by: 2)
        #expect(straight == .straight(length: 10, angle: 1))
        #expect(KernelFamily.Member.disc(radius: 2).scaled(by: 1.5) == .disc(radius: 3))
        #expect(KernelFamily.Member.gaussian(sigma: 2).scaled(by: 0.5) == .gaussian(sigma: 1))
    }
}
