import Foundation
import ImageFiles
import ImageTensors
import Tensors

/// Crops of outputs as PNG files in a folder: for each chosen picture the same place of every
/// point's output, where input and original differ most.
public final class CropGallery {
    public let folder: String
    /// Names of the pictures that are shown.
    public let pictures: [String]
    private let side: Int
    private var places: [String: (x: Int, y: Int)] = [:]

    /// - Parameter side: of a crop, in pixels; smaller pictures are shown whole.
    public init(folder: String, pictures: [String], side: Int = 128) {
        self.folder = folder
        self.pictures = pictures
        self.side = side
    }

    /// The file of a point's crop; the original's has the id ``original``.
    public func path(_ picture: String, _ id: String) -> String { "\(folder)/\(picture)-\(id).png" }

    public static let original = "original"

    func isComplete(_ pair: EvaluationPair, points: [EvaluationPoint]) -> Bool {
        guard pictures.contains(pair.name) else { return true }
        return ([Self.original] + points.map(\.id)).allSatisfy {
            FileManager.default.fileExists(atPath: path(pair.name, $0))
        }
    }

    /// Writes a point's crop; the picture is what ``EvaluationSubject/measured(_:)`` gives.
    func add(_ picture: Tensor, point: EvaluationPoint, of subject: EvaluationSubject) throws {
        let name = subject.pair.name
        guard pictures.contains(name) else { return }
        let place: (x: Int, y: Int)
        if let known = places[name] {
            place = known
        } else {
            // The input, enlarged where it is smaller; outputs are never looked at for the choice.
            let size = subject.reference.shape
            let whole = try subject.measured(
                subject.input.shape[3] < size[3]
                    ? subject.input.resized(height: size[2], width: size[3]) : subject.input)
            place = try Self.place(whole, subject.reference, side: side)
            places[name] = place
            try write(subject.reference, at: place, to: path(name, Self.original))
        }
        try write(picture, at: place, to: path(name, point.id))
    }

    private func write(_ picture: Tensor, at place: (x: Int, y: Int), to path: String) throws {
        let size = picture.shape
        let crop = try picture.narrowed(2, start: place.y, count: min(side, size[2]))
            .narrowed(3, start: place.x, count: min(side, size[3]))
        try Image(tensor: crop, bitDepth: 8).write(to: path)
    }

    /// Where the squared difference of two pictures, summed over a square, is largest.
    static func place(_ a: Tensor, _ b: Tensor, side: Int) throws -> (x: Int, y: Int) {
        let (height, width) = (a.shape[2], a.shape[3])
        let errors = try (a - b).squared().mean([1]).floats()
        // Sums over all rectangles from the corner.
        var sums = [Double](repeating: 0, count: (width + 1) * (height + 1))
        for y in 0..<height {
            var row = 0.0
            for x in 0..<width {
                row += Double(errors[y * width + x])
                sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + row
            }
        }
        let (w, h) = (min(side, width), min(side, height))
        var best = (x: 0, y: 0, error: -1.0)
        for y in stride(from: 0, through: height - h, by: 4) {
            for x in stride(from: 0, through: width - w, by: 4) {
                let error =
                    sums[(y + h) * (width + 1) + x + w] - sums[y * (width + 1) + x + w]
                    - sums[(y + h) * (width + 1) + x] + sums[y * (width + 1) + x]
                if error > best.error { best = (x, y, error) }
            }
        }
        return (best.x, best.y)
    }
}
