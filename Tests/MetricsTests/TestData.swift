import Foundation
import ImageFiles
import ImageTensors
import Tensors

/// The measuring pictures and weights, which are not part of the package.
enum TestData {
    /// Tests/MetricsTests/TestData.swift is two folders below the package's root.
    static let packageRoot = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The folder named by RESTORE_DATA, else `shared/data` beside the package.
    static let root: URL = {
        if let path = ProcessInfo.processInfo.environment["RESTORE_DATA"] {
            return URL(fileURLWithPath: path)
        }
        return packageRoot.deletingLastPathComponent().appendingPathComponent("shared/data")
    }()

    static func path(_ relative: String) -> String { root.appendingPathComponent(relative).path }

    static func exists(_ relative: String) -> Bool {
        FileManager.default.fileExists(atPath: path(relative))
    }

    static let niqe = "metrics/niqe_pristine.safetensors"
    static let trunk = "metrics/squeezenet1_1_caffe_trunk.safetensors"

    /// The pictures of a test set, each with its low-resolution version.
    static func pairs(_ set: String) throws -> [(name: String, hr: Tensor, lr: Tensor)] {
        let names = try FileManager.default.contentsOfDirectory(atPath: path("test/\(set)/hr")).sorted()
        return try names.filter { $0.hasSuffix(".png") }.map { name in
            let (hr, lr) = try (
                Image.read(from: path("test/\(set)/hr/\(name)")),
                Image.read(from: path("test/\(set)/lr_x4/\(name)"))
            )
            return try (
                name, hr.tensor(channels: hr.colorChannels), lr.tensor(channels: hr.colorChannels)
            )
        }
    }

    /// A picture of waves and noise in whole gray levels, the same everywhere.
    static func synthetic(height: Int, width: Int, channels: Int = 3, seed: UInt32) throws -> Tensor {
        try Tensor(
            syntheticLevels(height: height, width: width, channels: channels, seed: seed)
                .map { Float(Double($0) / 127.5 - 1) },
            shape: [1, channels, height, width])
    }

    static func syntheticLevels(height: Int, width: Int, channels: Int = 3, seed: UInt32) -> [UInt8] {
        var state = seed
        var levels: [UInt8] = []
        for channel in 0..<channels {
            for y in 0..<height {
                for x in 0..<width {
                    state = state &* 1_664_525 &+ 1_013_904_223
                    let wave = (x * (3 + channel) + y * 5) % 180
                    levels.append(UInt8(wave + Int(state >> 27) + channel * 20))
                }
            }
        }
        return levels
    }
}
