import Foundation
import ImageFiles
import ImageTensors
import Tensors
import Testing

@testable import Degradation

struct JPEGCompressionTests {
    /// Soft colours with some edges.
    private static func picture(width: Int = 96, height: Int = 80) throws -> Image {
        var samples: [UInt16] = []
        for y in 0..<height {
            for x in 0..<width {
                let disc = (x - 40) * (x - 40) + (y - 35) * (y - 35) < 500
                for channel in 0..<3 {
                    let wave =
                        60 * sin(Double(x + 9 * channel) / 11) + 50 * cos(Double(y) / (7 + Double(channel)))
                    samples.append(UInt16(min(255, max(0, 128 + wave + (disc ? 45 : -10)))))
                }
            }
        }
        return try Image(width: width, height: height, channels: 3, bitDepth: 8, samples: samples)
    }

    private static func psnr(_ a: Tensor, _ b: Tensor) throws -> Double {
        try 20 * log10(2 / a.meanSquaredError(to: b).item().squareRoot())
    }

    /// libjpeg rounds in whole numbers, but what both do to a picture is nearly the same.
    @Test(arguments: [30, 60, 75]) func itDoesWhatLibjpegDoes(quality: Int) throws {
        let original = try Self.picture()
        let tensor = try original.tensor()
        let bytes = try original.encoded(as: .jpeg, options: .init(jpegQuality: quality))
        let file = try Image.decoded(from: bytes, name: "x.jpg").tensor()
        let ours = try JPEGCompression.compressed(tensor, qualities: [quality])
        let (theirs, mine) = (try Self.psnr(file, tensor), try Self.psnr(ours, tensor))
        print(
            "JPEG \(quality): libjpeg \(theirs) dB, ours \(mine) dB, between them \(try Self.psnr(ours, file)) dB"
        )
        #expect(abs(theirs - mine) < 0.3)
        #expect(try Self.psnr(ours, file) > max(theirs, mine) + 6, "their errors are the same errors")
    }

    @Test func betterQualityIsCloser() throws {
        let tensor = try Self.picture().tensor()
        let values = try [1, 10, 30, 50, 75, 90, 98].map {
            try Self.psnr(JPEGCompression.compressed(tensor, qualities: [$0]), tensor)
        }
        #expect(zip(values, values.dropFirst()).allSatisfy { $0 < $1 }, "\(values)")
    }

    @Test(arguments: [(1, 1), (17, 5), (16, 16), (3, 40)]) func anySizeIsKept(width: Int, height: Int) throws
    {
        let tensor = try Self.picture(width: width, height: height).tensor()
        let result = try JPEGCompression.compressed(tensor, qualities: [90])
        #expect(result.shape == tensor.shape)
        #expect(try Self.psnr(result, tensor) > 25)
    }

    @Test func flatGrayIsUntouched() throws {
        let flat = try Tensor.full([1, 3, 24, 24], 0).quantized()
        let result = try JPEGCompression.compressed(flat, qualities: [75])
        #expect(try (result - flat).magnitude().max().item() < 0.009)
    }
}
