import Foundation
import ImageFiles

/// A file that is to be restored, not opened yet.
struct InputPicture {
    /// The path, or `-` for standard input.
    let path: String
    /// Where it lies below the folder that the user named; empty for files the user named.
    var subfolder = ""
    /// Whether it stands on the command line itself and was not found in a folder or by a pattern.
    let isNamed: Bool
    /// nil where the first bytes do not tell.
    var format: ImageFormat?
    /// As the header claims.
    var pixels: Int?

    static let standardInput = "-"

    var isStandardInput: Bool { isNamed && path == Self.standardInput }

    /// The file's name without folder and ending.
    var stem: String {
        isStandardInput
            ? "stdin" : ((path as NSString).lastPathComponent as NSString).deletingPathExtension
    }

    /// A name on the command line. It is looked into only if it is a plain file: a pipe can be read once.
    init(named path: String) {
        self.path = path
        isNamed = true
        guard !isStandardInput, FileStatus(path)?.isRegular == true else { return }
        if case .picture(let format, let pixels) = PictureProbe(path) {
            (self.format, self.pixels) = (format, pixels)
        }
    }

    private init(found path: String, subfolder: String, format: ImageFormat?, pixels: Int?) {
        self.path = path
        self.subfolder = subfolder
        self.format = format
        self.pixels = pixels
        isNamed = false
    }

    /// A file that was come across. Its content decides whether it is a picture; where that cannot be
    /// read, its name does.
    static func found(_ path: String, subfolder: String = "") -> InputItem {
        let isPlain = FileStatus(path).map(\.isRegular) ?? true
        switch isPlain ? PictureProbe(path) : .foreign {
        case .picture(let format, let pixels):
            return .picture(.init(found: path, subfolder: subfolder, format: format, pixels: pixels))
        case .unknown where ImageFormat(path: path) != nil:
            return .picture(.init(found: path, subfolder: subfolder, format: nil, pixels: nil))
        case .foreign, .unknown:
            return .skipped(path, .notAPicture)
        }
    }
}
