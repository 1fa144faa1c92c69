import ImageFiles
import Tensors
import Testing

@testable import Deblur

struct UncertaintyMapTests {
    @Test func moreDeviationIsBrighter() throws {
        // 0, 2, …, 30 gray levels from left to right.
        let values = (0..<16).map { Float($0) * 2 / 127.5 }
        let row = try Tensor(values, shape: [1, 1, 1, 16]).expanded([1, 3, 40, 16])
        let image = try UncertaintyMap.image(of: row)
        #expect(image.height == 40 + UncertaintyMap.legendHeight && image.width == 120)
        func luma(_ x: Int, _ y: Int) -> Double {
            let place = (y * image.width + x) * 3
            return 0.299 * Double(image.samples[place]) + 0.587 * Double(image.samples[place + 1])
                + 0.114 * Double(image.samples[place + 2])
        }
        for x in 1..<16 { #expect(luma(x, 20) > luma(x - 1, 20)) }
        // The legend's bar runs over the same colours, up to the rounded largest value.
        let bar = 40 + 12
        #expect(luma(8, bar) == luma(0, 20))
        #expect(luma(111, bar) > luma(15, 20), "30 levels lie below the bar's end, 50")
        for x in 9..<112 { #expect(luma(x, bar) >= luma(x - 1, bar)) }
        #expect(image.metadata.pngTexts.first?.text.contains("0 to 50 gray levels") == true)
    }

    @Test func theScaleEndsAtARoundNumber() {
        for (value, end) in [(0, 1.0), (0.2, 1), (1.0, 1), (1.1, 2), (2.1, 5), (9, 10), (11, 20), (199, 200)]
        {
            #expect(UncertaintyMap.roundedUp(value) == end)
        }
    }

    @Test func tinyAndWidePicturesHaveALegend() throws {
        for (width, height) in [(1, 1), (3, 517), (517, 3), (640, 10)] {
            let image = try UncertaintyMap.image(of: Tensor.full([1, 3, height, width], 0.1))
            #expect(image.width == max(120, width) && image.height == height + UncertaintyMap.legendHeight)
            // Digits are drawn below the bar.
            let legend = image.samples.suffix(image.width * 3 * 10)
            #expect(legend.contains(230))
        }
        #expect(throws: TensorError.self) { try UncertaintyMap.image(of: Tensor.zeros([2, 3, 4, 4])) }
    }
}
