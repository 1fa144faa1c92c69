import Diffusion
import Foundation
import ImageFiles
import Tensors

/// Refuses an output that cannot be written before any work is done.
enum OutputCheck {
    static func writable(_ path: String) throws {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            if isFolder.boolValue { throw CommandError.output("'\(path)' is a folder, not a file to write") }
            return
        }
        let parent = path.folderOfPath
        let folder = parent.isEmpty ? "." : parent
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue
        else {
            throw CommandError.output("'\(path)' cannot be written: the folder '\(folder)' does not exist")
        }
        guard access(folder, W_OK) == 0 else {
            throw CommandError.output("'\(path)' cannot be written: no permission to write in '\(folder)'")
        }
    }

    /// The same for a file whose folders are made when it is written.
    static func creatable(_ path: String) throws {
        let folder = path.folderOfPath
        if folder.isEmpty || access(folder, F_OK) == 0 { return try writable(path) }
        try creatable(folder: folder)
    }

    /// Refuses a folder that is not there and cannot be made.
    static func creatable(folder: String) throws {
        var parent = folder
        while !parent.isEmpty, parent != "/", access(parent, F_OK) != 0 {
            parent = parent.folderOfPath
        }
        if parent.isEmpty { parent = "." }
        guard FileStatus(parent)?.isFolder == true else {
            throw CommandError.output("there can be no folder '\(folder)': '\(parent)' is a file")
        }
        guard access(parent, W_OK) == 0 else {
            throw CommandError.output(
                "there can be no output in the folder '\(folder)': no permission to write in '\(parent)'")
        }
    }

    /// Writes lines of text, all or nothing.
    static func write(_ lines: [String], to path: String) throws {
        try write(text: lines.joined(separator: "\n") + "\n", to: path)
    }

    /// Writes a text, all or nothing.
    static func write(text: String, to path: String) throws {
        do {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        } catch {
            throw CommandError.output("'\(path)' cannot be written")
        }
    }

    /// Makes a folder where there is none.
    static func makeFolder(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw CommandError.output("the folder '\(path)' cannot be made")
        }
        guard access(path, W_OK) == 0 else {
            throw CommandError.output("the folder '\(path)' cannot be written to")
        }
    }
}

/// Refuses a picture that this machine's memory cannot hold while it is restored.
enum MemoryCheck {
    /// - Parameter plan: throws ``MemoryError`` where the picture does not fit.
    static func enough(for name: String, _ plan: () throws -> Void) throws {
        do {
            try plan()
        } catch let error as MemoryError {
            throw CommandError(status: EX_DATAERR, description: "'\(name)' is too large: \(error)")
        }
    }
}
