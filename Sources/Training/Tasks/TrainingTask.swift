import Foundation
import ImageFiles
import Tensors

/// What the trainer needs of a task; all else about it is the task's own.
protocol TrainingTask: AnyObject {
    /// The pictures it trains on.
    var photos: PhotoCollection { get }
    /// Held-out pictures that could not be used, each with the reason.
    var unusable: [String] { get }

    /// A fresh part of a batch, made on the device; called on any thread, on one at a time.
    ///
    /// - Parameter random: every number that is drawn follows from it, those of the other parts included.
    func batch(_ shard: BatchShard, using random: inout CounterStream) throws -> TrainingBatch

    /// Judges the network as it is on held-out pictures; nil where there are none.
    func validate() throws -> ValidationResult?

    /// Writes the model file.
    func save(_ weights: [(name: String, value: Tensor)], metadata: [String: String], to path: String) throws
}

/// A part of a batch.
struct TrainingBatch {
    /// All that is another for each part, on the device.
    let inputs: [Tensor]
    /// Computes the mean loss of the part, which is that of any other part whose inputs are copied into these.
    let loss: () throws -> Tensor
}

/// How good a network is at a moment of its training.
struct ValidationResult {
    /// Columns of validation.csv in their order: mean RGB PSNR in dB.
    var figures: [(name: String, value: Double)]
    /// One row of pictures for each of the first cases.
    var grid: Image

    /// PSNR of pictures in [-1, 1].
    static func psnr(_ a: Tensor, _ b: Tensor) throws -> Double {
        try 20 * log10(2 / a.meanSquaredError(to: b).item().squareRoot())
    }

    /// Pictures below each other, left-aligned, on black.
    static func stacked(_ rows: [Image], gap: Int = 4) throws -> Image {
        let width = rows.map(\.width).max() ?? 1
        var samples: [UInt16] = []
        for row in rows {
            for y in 0..<row.height {
                samples += row.samples[(y * row.width * 3)..<((y + 1) * row.width * 3)]
                samples += [UInt16](repeating: 0, count: (width - row.width) * 3)
            }
            samples += [UInt16](repeating: 0, count: width * gap * 3)
        }
        return try Image(
            width: width, height: max(1, samples.count / (width * 3)), channels: 3, bitDepth: 8,
            samples: samples.isEmpty ? [0, 0, 0] : samples)
    }
}
