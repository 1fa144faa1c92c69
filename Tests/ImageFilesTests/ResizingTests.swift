import ImageFiles
import Testing

@Suite("Resizing")
struct ResizingTests {
    @Test(
        "a constant picture stays constant", arguments: ResamplingKernel.allCases, [8, 16])
    func keepsConstant(kernel: ResamplingKernel, bitDepth: Int) throws {
        for channels in 1...4 {
            let value: UInt16 = bitDepth == 16 ? 51234 : 201
            let image = try Image(
                width: 6, height: 5, channels: channels, bitDepth: bitDepth,
                samples: [UInt16](repeating: value, count: 30 * channels))
            for (width, height) in [(12, 10), (3, 2), (1, 1), (17, 3)] {
                let resized = try image.resized(width: width, height: height, kernel: kernel)
                #expect(resized.width == width && resized.height == height)
                #expect(resized.samples.count == width * height * channels)
                #expect(resized.samples.allSatisfy { $0 == value })
            }
        }
    }

    @Test("a picture is the product of its two axes")
    func isSeparable() throws {
        let image = try Fixtures.smoothImage(width: 9, height: 7, bitDepth: 16)
        let resized = try image.resized(width: 5, height: 13, kernel: .bicubic)
        let columns = try ResamplingWeights(inputLength: 9, outputLength: 5)
        let rows = try ResamplingWeights(inputLength: 7, outputLength: 13)
        for y in 0..<13 {
            for x in 0..<5 {
                for c in 0..<3 {
                    var sum = 0.0
                    for i in 0..<rows.taps {
                        for j in 0..<columns.taps {
                            let sy = Int(rows.indices[y * rows.taps + i])
                            let sx = Int(columns.indices[x * columns.taps + j])
                            sum +=
                                rows.weights[y * rows.taps + i]
                                * columns.weights[x * columns.taps + j]
                                * Double(image.samples[(sy * 9 + sx) * 3 + c])
                        }
                    }
                    let expected = min(max(sum, 0), 65535)
                    let actual = Double(resized.samples[(y * 5 + x) * 3 + c])
                    #expect(abs(actual - expected) <= 0.5 + 1e-6)
                }
            }
        }
    }

    @Test("overshoot is clamped")
    func clamps() throws {
        let edge = try Image(
            width: 4, height: 1, channels: 1, bitDepth: 8, samples: [0, 0, 255, 255])
        let resized = try edge.resized(width: 8, height: 1)
        #expect(resized.samples.prefix(3) == [0, 0, 0])
        #expect(resized.samples.suffix(3) == [255, 255, 255])
    }

    @Test("colour of transparent pixels does not bleed")
    func respectsAlpha() throws {
        // Opaque red beside transparent green.
        let image = try Image(
            width: 2, height: 1, channels: 4, bitDepth: 8,
            samples: [200, 0, 0, 255, 0, 255, 0, 0])
        let merged = try image.resized(width: 1, height: 1, kernel: .bilinear)
        #expect(merged.samples == [200, 0, 0, 128])
        let wider = try image.resized(width: 4, height: 1, kernel: .bilinear)
        #expect(wider.samples == [200, 0, 0, 255, 200, 0, 0, 191, 200, 0, 0, 64, 0, 0, 0, 0])
    }

    @Test("the same size changes nothing, a size of zero is refused")
    func handlesEdges() throws {
        let image = try Fixtures.image(width: 5, height: 3, channels: 4, bitDepth: 8)
        #expect(try image.resized(width: 5, height: 3) == image)
        for (width, height) in [(0, 1), (1, 0), (-2, 3), (.max, .max), (1 << 20, 1 << 20)] {
            #expect(
                Fixtures.errorKind { _ = try image.resized(width: width, height: height) }
                    == .invalidArgument)
        }
    }
}
