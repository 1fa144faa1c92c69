import Evaluation
import Foundation
import Training

/// The numbers of `restore metrics` as JSON. An infinite number (the PSNR of equal pictures) is the
/// text "inf"; what could not be measured is null.
struct MeasurementReport: Encodable {
    private let measuredBy: String
    private let pictures: [Picture]
    private let mean: [String: Double?]?
    private let sets: [String: SetNumber]?

    private struct Picture: Encodable {
        let picture: String
        let values: [String: Double?]
    }

    private struct SetNumber: Encodable {
        let value: Double
        let standardDeviation: Double?
    }

    private enum CodingKeys: String, CodingKey {
        case measuredBy = "protocol"
        case pictures, mean, sets
    }

    init(
        protocolText: String, columns: [PictureMetric], rows: [EvaluationTable.Row],
        mean: EvaluationTable.Row?, sets: [PictureMeasurement.SetValue]
    ) {
        func named(_ row: EvaluationTable.Row) -> [String: Double?] {
            let numbers = zip(columns, row.values).map { ($0.rawValue, $1.isNaN ? nil : $1) }
            return Dictionary(numbers) { first, _ in first }
        }
        measuredBy = protocolText
        pictures = rows.map { Picture(picture: $0.picture, values: named($0)) }
        self.mean = mean.map(named)
        let numbers = sets.map {
            ($0.metric.rawValue, SetNumber(value: $0.value, standardDeviation: $0.standardDeviation))
        }
        self.sets = sets.isEmpty ? nil : Dictionary(numbers) { first, _ in first }
    }

    func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
