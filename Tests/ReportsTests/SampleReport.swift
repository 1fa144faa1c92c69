import Foundation
import Reports

/// A report of made-up numbers, with two samplers, two numbers of samples and two crops.
enum SampleReport {
    static let metrics = [
        SweepReport.Metric(
            name: "psnr", title: "PSNR-Y", unit: "dB", isHigherBetter: true, digits: 2, role: .distortion),
        SweepReport.Metric(
            name: "ssim", title: "SSIM-Y", unit: "", isHigherBetter: true, digits: 4, role: .distortion),
        SweepReport.Metric(
            name: "sfd", title: "SFD", unit: "", isHigherBetter: false, digits: 4, role: .perception),
    ]

    static func point(
        _ id: String, psnr: Double?, sfd: Double?, kind: SweepReport.Point.Kind = .sampled,
        label: String? = nil, method: String = "ddim", steps: Int? = nil, samples: Int? = 1
    ) -> SweepReport.Point {
        var values: [String: Double] = [:]
        values["psnr"] = psnr
        values["sfd"] = sfd
        values["ssim"] = psnr.map { $0 / 40 }
        return SweepReport.Point(
            id: id, label: label ?? id, kind: kind, method: method, steps: steps,
            samples: kind == .sampled ? samples : nil, values: values,
            halfWidths: values.mapValues { _ in 0.1 }, secondsPerPicture: steps.map { Double($0) * 0.2 })
    }

    static func report(_ points: [SweepReport.Point], crops: [SweepReport.Crop] = []) -> SweepReport {
        SweepReport(
            title: "A curve", subtitle: "two pictures", command: "restore sweep sr -o out",
            facts: [.init(name: "seed", value: "7")], metrics: metrics, points: points, crops: crops)
    }

    /// Every sampled point of the plane, an input and a predictor.
    static let points: [SweepReport.Point] = {
        var points = [
            point("input", psnr: 24, sfd: 0.6, kind: .input, label: "bicubic"),
            point("predictor", psnr: 27.9, sfd: 0.45, kind: .predictor, label: "predictor"),
        ]
        for (row, method) in ["ddim", "ddpm η=1"].enumerated() {
            for (column, steps) in [1, 2, 5, 10, 20].enumerated() {
                for samples in [1, 8] {
                    let far = Double(column) * 0.5
                    points.append(
                        point(
                            "\(method.prefix(4))-\(steps)-\(samples)",
                            psnr: 28 - far * (samples == 1 ? 1 : 0.4) - Double(row) * 0.1,
                            sfd: 0.44 - 0.05 * far * (samples == 1 ? 1 : 0.6) + 0.02 * Double(row),
                            label: "\(steps) \(method) steps × \(samples)", method: method, steps: steps,
                            samples: samples))
                }
            }
        }
        return points
    }()

    /// With a picture for every point, each of its own colour, and the originals.
    static func withPictures() -> (report: SweepReport, pictures: [String: Data]) {
        var pictures: [String: Data] = [:]
        let crops = ["roof", "tree"].enumerated().map { number, name in
            var keys: [String: String] = [:]
            for (index, point) in points.enumerated() {
                keys[point.id] = "\(name)/\(point.id)"
                pictures["\(name)/\(point.id)"] = TinyPNG.picture(
                    red: UInt8(40 + 15 * (index % 14)), green: UInt8(90 * number + 60),
                    blue: UInt8(200 - 9 * index))
            }
            pictures["\(name)/original"] = TinyPNG.picture(red: 250, green: 250, blue: UInt8(100 * number))
            return SweepReport.Crop(name: name, original: "\(name)/original", pictures: keys, note: "")
        }
        return (report(points, crops: crops), pictures)
    }
}

/// PNG files of 24×24 pixels, a square in one colour within another, without compression.
enum TinyPNG {
    static func picture(red: UInt8, green: UInt8, blue: UInt8) -> Data {
        let side = 24
        var rows: [UInt8] = []
        for y in 0..<side {
            rows.append(0)
            for x in 0..<side {
                let isInside = (6..<18).contains(x) && (6..<18).contains(y)
                rows += isInside ? [255 - red, 255 - green, 255 - blue] : [red, green, blue]
            }
        }
        var data = Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        let size = bytes(UInt32(side))
        chunk("IHDR", size + size + [8, 2, 0, 0, 0], &data)
        let length = UInt16(rows.count)
        let header: [UInt8] = [0x78, 1, 1, UInt8(length & 255), UInt8(length >> 8)]
        let complement: [UInt8] = [UInt8(~length & 255), UInt8(~length >> 8)]
        chunk("IDAT", header + complement + rows + bytes(adler(rows)), &data)
        chunk("IEND", [], &data)
        return data
    }

    private static func chunk(_ name: String, _ body: [UInt8], _ data: inout Data) {
        let named = Array(name.utf8) + body
        data += bytes(UInt32(body.count)) + named + bytes(crc(named))
    }

    private static func bytes(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private static func adler(_ bytes: [UInt8]) -> UInt32 {
        var (a, b): (UInt32, UInt32) = (1, 0)
        for byte in bytes {
            a = (a + UInt32(byte)) % 65521
            b = (b + a) % 65521
        }
        return b << 16 | a
    }

    private static func crc(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { bits, _ in
                bits & 1 == 1 ? bits >> 1 ^ 0xEDB8_8320 : bits >> 1
            }
        }
    }
}
