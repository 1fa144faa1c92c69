import Foundation
import Testing

@testable import ImageFiles

@Suite("Writing files")
struct WritingTests {
    private func picture() throws -> Image {
        try Fixtures.image(width: 9, height: 4, channels: 3, bitDepth: 8)
    }

    @Test("the extension chooses the format, in any case; content decides when reading")
    func choosesFormat() throws {
        let folder = try TemporaryFolder()
        let image = try picture()
        try image.write(to: folder.file("a.PNG"))
        #expect(try Image.read(from: folder.file("a.PNG")) == image)
        for name in ["b.jpg", "b.JPEG", "b.jpe"] {
            try image.write(to: folder.file(name))
            #expect(try folder.bytes(of: name).prefix(2) == [0xFF, 0xD8])
        }
        try image.write(to: folder.file("c.jpg"), format: .png)
        #expect(try Image.read(from: folder.file("c.jpg")) == image)
        try image.write(to: folder.file("noextension"), format: .png)
        #expect(try Image.read(from: folder.file("noextension")) == image)
        #expect(folder.names.allSatisfy { !$0.hasSuffix(".tmp") })
        for name in ["x.gif", "x", "png", "dir.png/x"] {
            #expect(ImageFormat(path: name) == nil)
            #expect(
                Fixtures.errorKind { try image.write(to: folder.file(name)) }
                    == .invalidArgument)
        }
    }

    @Test("a file is replaced with its permissions, through a link")
    func replaces() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write([1, 2, 3], as: "real.png")
        #expect(chmod(path, 0o640) == 0)
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("link.png"), withDestinationPath: path)
        try picture().write(to: folder.file("link.png"))
        #expect(try Image.read(from: path) == picture())
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o640)
        #expect(lstat(folder.file("link.png"), &status) == 0)
        #expect(status.st_mode & S_IFMT == S_IFLNK)
        #expect(folder.names == ["link.png", "real.png"])
    }

    @Test("a picture may be written over the file it was read from")
    func replacesItself() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("same.png")
        try picture().write(to: path)
        let gray = try Image.read(from: path).gray()
        try gray.write(to: path)
        #expect(try Image.read(from: path) == gray)
        #expect(folder.names == ["same.png"])
    }

    @Test("where a file cannot be without a name, one with a temporary name does", arguments: [true, false])
    func writesNamed(isThere: Bool) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("a.png")
        var status = stat()
        if isThere {
            #expect(stat(try folder.write([1], as: "a.png"), &status) == 0)
        }
        try [UInt8]([4, 5, 6]).withUnsafeBufferPointer {
            try FileReplacement(path, old: isThere ? status : nil).writeNamed($0)
        }
        #expect(try folder.bytes(of: "a.png") == [4, 5, 6])
        #expect(folder.names == ["a.png"])
    }

    @Test("a new file has the permissions of any new file")
    func respectsMask() throws {
        let folder = try TemporaryFolder()
        let plain = open(folder.file("plain"), O_CREAT | O_WRONLY, 0o666)
        #expect(plain >= 0 && close(plain) == 0)
        try picture().write(to: folder.file("a.png"))
        var (expected, status) = (stat(), stat())
        #expect(stat(folder.file("plain"), &expected) == 0)
        #expect(stat(folder.file("a.png"), &status) == 0)
        #expect(status.st_mode == expected.st_mode)
    }

    @Test("places that cannot be written are told apart")
    func refusesPlaces() throws {
        let folder = try TemporaryFolder()
        let image = try picture()
        func kind(_ path: String) -> ImageFileError.Kind? {
            Fixtures.errorKind { try image.write(to: path, format: .png) }
        }
        #expect(kind(folder.path) == .notAFile)
        #expect(kind(folder.file("missing/a.png")) == .cannotWrite)
        #expect(kind(try folder.write([0], as: "file") + "/a.png") == .cannotWrite)
        #expect(kind("/sys/a.png") == .cannotWrite)
        #expect(kind("") == .cannotWrite)
        #expect(kind("a\0b.png") == .cannotWrite)
        #expect(kind(folder.file(String(repeating: "n", count: 300))) == .ioError)
        #expect(folder.names == ["file"])
    }

    @Test(
        "an unwritable folder and a protected file are refused",
        .enabled(if: geteuid() != 0, "the superuser may write everywhere"))
    func refusesProtected() throws {
        let folder = try TemporaryFolder()
        let image = try picture()
        let path = try folder.write([1, 2, 3], as: "protected.png")
        #expect(chmod(path, 0o444) == 0)
        #expect(Fixtures.errorKind { try image.write(to: path) } == .cannotWrite)
        #expect(try folder.bytes(of: "protected.png") == [1, 2, 3])
        #expect(chmod(folder.path, 0o555) == 0)
        defer { chmod(folder.path, 0o755) }
        #expect(
            Fixtures.errorKind { try image.write(to: folder.file("new.png")) }
                == .cannotWrite)
    }

    @Test("a failure to encode leaves the file as it was")
    func keepsFileOnEncodingFailure() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write([1, 2, 3], as: "old.jpg")
        let image = try picture()
        let error = #expect(throws: ImageFileError.self) {
            try image.write(to: path, options: .init(jpegQuality: 0))
        }
        #expect(error?.kind == .invalidArgument)
        #expect(error?.path == path)
        #expect(try folder.bytes(of: "old.jpg") == [1, 2, 3])
        #expect(folder.names == ["old.jpg"])
    }

    @Test(
        "a full device is an input/output error, and stays a device",
        .enabled(if: access("/dev/full", W_OK) == 0, "there is no /dev/full"))
    func reportsFullDevice() throws {
        let image = try picture()
        let error = #expect(throws: ImageFileError.self) {
            try image.write(to: "/dev/full", format: .png)
        }
        #expect(error?.kind == .ioError)
        #expect(error?.description.contains("No space left") == true)
        var status = stat()
        #expect(stat("/dev/full", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
    }

    @Test(
        "a full disk leaves the old file and nothing else",
        .enabled(if: SmallFileSystem.isAvailable, "a small file system cannot be mounted"))
    func survivesFullDisk() throws {
        let folder = try TemporaryFolder()
        let fileSystem = try #require(SmallFileSystem(at: folder.path))
        defer { fileSystem.unmount() }
        let path = try folder.write([1, 2, 3], as: "old.png")
        var generator = SplitMix64(state: 1)
        let noise = try Image(
            width: 300, height: 300, channels: 3, bitDepth: 8,
            samples: (0..<270_000).map { _ in UInt16.random(in: 0...255, using: &generator) })
        let error = #expect(throws: ImageFileError.self) { try noise.write(to: path) }
        #expect(error?.kind == .ioError)
        #expect(error?.description.contains("No space left") == true)
        #expect(try folder.bytes(of: "old.png") == [1, 2, 3])
        #expect(folder.names == ["old.png"])
        // The same with a temporary name.
        var status = stat()
        #expect(stat(path, &status) == 0)
        let named = #expect(throws: ImageFileError.self) {
            try [UInt8](repeating: 7, count: 200_000).withUnsafeBufferPointer {
                try FileReplacement(path, old: status).writeNamed($0)
            }
        }
        #expect(named?.kind == .ioError)
        #expect(try folder.bytes(of: "old.png") == [1, 2, 3])
        #expect(folder.names == ["old.png"])
    }
}

/// A file system of 64 KiB in memory; only the superuser may have one.
struct SmallFileSystem {
    private let path: String

    init?(at path: String) {
        guard mount("tmpfs", path, "tmpfs", 0, "size=64k") == 0 else { return nil }
        self.path = path
    }

    func unmount() { umount(path) }

    static let isAvailable: Bool = {
        guard let folder = try? TemporaryFolder(),
            let fileSystem = SmallFileSystem(at: folder.path)
        else { return false }
        fileSystem.unmount()
        return true
    }()
}
