import Foundation
import ImageFiles
import SR3

/// Refuses an output that cannot be written before any work is done.
enum OutputCheck {
    static func writable(_ path: String) throws {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            if isFolder.boolValue { throw CommandError.output("'\(path)' is a folder, not a file to write") }
            return
        }
        let parent = (path as NSString).deletingLastPathComponent
        let folder = parent.isEmpty ? "." : parent
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue
        else {
            throw CommandError.output("'\(path)' cannot be written: the folder '\(folder)' does not exist")
        }
        guard access(folder, W_OK) == 0 else {
            throw CommandError.output("'\(path)' cannot be written: no permission to write in '\(folder)'")
        }
    }
}

/// Refuses a picture that this machine's memory cannot hold while it is enlarged.
enum MemoryCheck {
    /// Bytes that one channel of the network at one of its own pixels costs, and that one
    /// output pixel costs besides; fitted above the measured peaks in Results/sr3-x4.md.
    private static let bytesPerChannel = 40.0
    private static let bytesPerPixel = 40.0

    static func enough(for image: Image, name: String, scale: Double, model: SR3Model) throws {
        guard model.device == .cpu else { return }
        let network = model.configuration.network
        let factor = Double(model.configuration.scale)
        let passes = max(1, (log(scale) / log(factor) - 1e-9).rounded(.up))
        let pixels = Double(image.width) * Double(image.height) * pow(factor, 2 * passes)
        let area = Double(network.patchSize * network.patchSize)
        let perPixel = Double(network.baseWidth) / area * bytesPerChannel + bytesPerPixel
        let needed = pixels * perPixel
        guard let available = availableMemory, needed > available else { return }
        throw CommandError(
            status: EX_DATAERR,
            description: String(
                format:
                    "'%@' is too large for this machine: enlarging %d×%d pixels needs about %.0f GB of memory, and %.0f GB are free",
                name, image.width, image.height, needed / 1e9, available / 1e9))
    }

    private static var availableMemory: Double? {
        guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8) else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Double($0) }.map { $0 * 1024 }
    }
}
