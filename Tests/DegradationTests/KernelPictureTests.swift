import ImageFiles
import Testing

@testable import Degradation

@Suite("Kernels as pictures")
struct KernelPictureTests {
    @Test(arguments: BlurKernelTests.cases) func aPictureOfAKernelIsTheKernel(_ one: BlurKernelTests.Case)
        throws
    {
        let kernel = one.kernel
        let image = try kernel.image()
        #expect(image.width == kernel.side && image.channels == 1 && image.bitDepth == 16)
        #expect(image.samples.max() == 65535)
        let again = try BlurKernel(image: image)
        #expect(abs(again.side - kernel.side) <= 2, "rounding can move the middle")
        let side = max(again.side, kernel.side)
        let planes = try BlurKernel.planes([kernel, again], side: side).floats()
        let top = kernel.values.max() ?? 0
        for index in 0..<(side * side) {
            #expect(abs(planes[index] - planes[side * side + index]) < 1e-3 * top)
        }
    }

    @Test func whatIsNotBlackCountsWhereverItLies() throws {
        // 3 and 1 two pixels apart, in a corner of a colour picture with alpha: the centroid lies half a pixel from the 3.
        var samples = [UInt16](repeating: 0, count: 200 * 100 * 4)
        func set(_ x: Int, _ colours: [UInt16]) {
            for (channel, value) in colours.enumerated() { samples[(7 * 200 + x) * 4 + channel] = value }
        }
        set(1, [90, 90, 90, 255])
        set(3, [0, 30, 60, 0])
        let kernel = try BlurKernel(
            image: Image(width: 200, height: 100, channels: 4, bitDepth: 8, samples: samples))
        #expect(kernel.side == 5)
        #expect(kernel.values[10...14].map { ($0 * 1000).rounded() } == [0, 375, 375, 125, 125])
    }

    @Test func whatIsNoKernelIsRefused() throws {
        func picture(width: Int, lit: [Int]) throws -> Image {
            var samples = [UInt16](repeating: 0, count: width)
            for x in lit { samples[x] = 200 }
            return try Image(width: width, height: 1, channels: 1, bitDepth: 8, samples: samples)
        }
        func reason(_ image: Image) -> String {
            do {
                _ = try BlurKernel(image: image)
                return ""
            } catch { return "\(error)" }
        }
        #expect(reason(try picture(width: 9, lit: [])).contains("black"))
        #expect(reason(try picture(width: 400, lit: [3, 87])) == "")
        #expect(reason(try picture(width: 400, lit: [3, 88])).contains("needs 87"))
        // One long arm: the middle is not the middle of the box.
        #expect(reason(try picture(width: 90, lit: [0, 1, 2, 3, 60])).contains("at most 85"))
    }
}
