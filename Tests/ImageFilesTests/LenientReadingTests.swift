import ImageFiles
import Testing

@Suite("Lenient reading")
struct LenientReadingTests {
    private func read(_ bytes: [UInt8], name: String) throws -> (image: Image, notes: [String]) {
        var notes: [String] = []
        let image = try Image.decoded(from: bytes, name: name, options: .init(isLenient: true)) {
            notes.append($0)
        }
        return (image, notes)
    }

    private func samples(width: Int, height: Int, channels: Int) -> [UInt8] {
        (0..<width * height * channels).map { UInt8(truncatingIfNeeded: $0 * 37 + $0 / 7 + 1) | 1 }
    }

    @Test("a whole file is read the same, without a note", arguments: ImageFormat.allCases)
    func readsWhole(format: ImageFormat) throws {
        let bytes = try Fixtures.smoothImage(width: 30, height: 20).encoded(as: format)
        let (image, notes) = try read(bytes, name: "whole")
        #expect(try image == Image.decoded(from: bytes, name: "whole"))
        #expect(notes.isEmpty)
    }

    @Test("a PNG cut in its rows gives those before, the rest is empty", arguments: 1...4)
    func readsCutPNG(channels: Int) throws {
        let (width, height) = (6, 5)
        let samples = samples(width: width, height: height, channels: channels)
        let bytes = PNGFile.stored(
            width: width, height: height, channels: channels, samples: samples, isInterlaced: false)
        let start = try #require(PNGFile.firstData(of: bytes))
        let rowBytes = width * channels
        for rows in 1..<height {
            // The zlib header and that of its block, the rows with their filters, and one byte
            // less than the next row.
            let cut = start + 7 + rows * (rowBytes + 1) + rowBytes
            let (image, notes) = try read(Array(bytes[..<cut]), name: "x.png")
            let kept = samples[..<(rows * rowBytes)].map(UInt16.init)
            #expect(image.samples == kept + [UInt16](repeating: 0, count: (height - rows) * rowBytes))
            #expect(notes == ["'x.png' ends too early: \(rows) of 5 rows were read"])
            #expect(
                Fixtures.errorKind { _ = try Image.decoded(from: Array(bytes[..<cut]), name: "x.png") }
                    == .corrupt)
        }
        // Not one row.
        for cut in [start + 7 + rowBytes, start, 33, 20, 8] {
            #expect(
                Fixtures.errorKind { _ = try read(Array(bytes[..<cut]), name: "x.png") } == .corrupt)
        }
        // All rows, but no end.
        for cut in [bytes.count - 1, bytes.count - 12, bytes.count - 13, bytes.count - 20] {
            let (image, notes) = try read(Array(bytes[..<cut]), name: "x.png")
            #expect(image.samples == samples.map(UInt16.init))
            #expect(notes == ["'x.png' ends too early: all rows were read"])
        }
    }

    @Test("a cut 16-bit PNG keeps its rows")
    func readsCutDeepPNG() throws {
        let image = try Fixtures.image(width: 50, height: 40, channels: 3, bitDepth: 16)
        let bytes = try image.encoded(as: .png, options: .init(pngCompression: 0))
        let (part, notes) = try read(Array(bytes[..<(bytes.count / 2)]), name: "x.png")
        let rows = try #require((1..<40).first { "\(notes)".contains(": \($0) of 40 rows") })
        #expect(rows == 19 || rows == 20)
        #expect(part.samples[..<(rows * 150)] == image.samples[..<(rows * 150)])
        #expect(part.samples[(rows * 150)...].allSatisfy { $0 == 0 })
    }

    @Test("an interlaced PNG gets its missing pixels from the passes before")
    func readsCutInterlaced() throws {
        let (width, height) = (16, 16)
        let samples = samples(width: width, height: height, channels: 1)
        let bytes = PNGFile.stored(
            width: width, height: height, channels: 1, samples: samples, isInterlaced: true)
        let whole = try Image.decoded(from: bytes, name: "x.png")
        #expect(whole.samples == samples.map(UInt16.init))
        #expect(try read(bytes, name: "x.png").image == whole)

        let start = try #require(PNGFile.firstData(of: bytes))
        // Passes of 2 rows of 2, 2 of 2 and 2 of 4 pixels: with the first, each pixel covers 8 x 8.
        let one = try read(Array(bytes[..<(start + 7 + 2 * 3)]), name: "x.png")
        #expect(one.notes == ["'x.png' ends too early: 1 of 7 passes over the picture were read"])
        for y in 0..<16 {
            for x in 0..<16 {
                #expect(one.image.samples[y * 16 + x] == UInt16(samples[(y & 8) * 16 + (x & 8)]))
            }
        }
        let three = try read(Array(bytes[..<(start + 7 + 2 * 3 + 2 * 3 + 2 * 5)]), name: "x.png")
        #expect(three.notes == ["'x.png' ends too early: 3 of 7 passes over the picture were read"])
        #expect(three.image.samples[5 * 16 + 9] == UInt16(samples[4 * 16 + 8]))
        let half = try read(Array(bytes[..<(start + 7 + 3)]), name: "x.png")
        #expect(half.notes == ["'x.png' ends too early: 8 of 16 rows were read"])
        #expect(half.image.samples[..<8].allSatisfy { $0 == UInt16(samples[0]) })
        #expect(half.image.samples[128...].allSatisfy { $0 == 0 })
    }

    @Test("a PNG with a wrong checksum or a broken stream gives what there is, and says so")
    func readsDamagedPNG() throws {
        let samples = samples(width: 6, height: 5, channels: 3)
        var bytes = PNGFile.stored(
            width: 6, height: 5, channels: 3, samples: samples, isInterlaced: false)
        let start = try #require(PNGFile.firstData(of: bytes))
        let checksum = bytes.count - 16
        bytes[checksum] ^= 1
        let wrong = try read(bytes, name: "x.png")
        #expect(wrong.image.samples == samples.map(UInt16.init))
        #expect(wrong.notes.first?.hasPrefix("'x.png' is damaged (IDAT: CRC error): all rows") == true)

        // A filter there is none of, in the third row.
        bytes[checksum] ^= 1
        bytes[start + 7 + 2 * 19] = 9
        let broken = try read(bytes, name: "x.png")
        #expect(broken.image.samples[..<36] == samples[..<36].map(UInt16.init)[...])
        #expect(broken.image.samples[36...].allSatisfy { $0 == 0 })
        #expect(broken.notes.first?.contains("2 of 5 rows were read before that") == true)
    }

    @Test("a baseline JPEG cut half-way keeps the rows the note counts")
    func readsCutJPEG() throws {
        let bytes = try Fixtures.image(width: 64, height: 96, channels: 3, bitDepth: 8)
            .encoded(as: .jpeg, options: .init(jpegQuality: 95))
        let whole = try Image.decoded(from: bytes, name: "x.jpg")
        let scan = try #require(JPEGFile.segment(0xDA, of: bytes))
        for part in [4, 8, 11] {
            let cut = scan + (bytes.count - scan) * part / 12
            let (image, notes) = try read(Array(bytes[..<cut]), name: "x.jpg")
            #expect(image.width == 64 && image.height == 96)
            let rows = try #require(
                (1..<96).first { notes == ["'x.jpg' ends too early: \($0) of 96 rows were read"] })
            #expect(abs(rows - 8 * part) <= 16)
            #expect(image.samples[..<(rows * 192)] == whole.samples[..<(rows * 192)])
            #expect(
                Fixtures.errorKind { _ = try Image.decoded(from: Array(bytes[..<cut]), name: "x.jpg") }
                    == .corrupt)
        }
        let noEnd = try read(Array(bytes.dropLast(2)), name: "x.jpg")
        #expect(noEnd.image == whole)
        #expect(noEnd.notes == ["'x.jpg' ends too early: all rows were read"])
        for cut in [scan + 14, scan, 100, 3] {
            #expect(
                Fixtures.errorKind { _ = try read(Array(bytes[..<cut]), name: "x.jpg") } == .corrupt)
        }
    }

    @Test("a progressive JPEG cut after some scans lacks detail only")
    func readsCutProgressive() throws {
        let bytes = try Fixtures.image(width: 64, height: 64, channels: 3, bitDepth: 8)
            .encoded(as: .jpeg, options: .init(jpegQuality: 95, isProgressive: true))
        let (image, notes) = try read(Array(bytes[..<(bytes.count * 2 / 3)]), name: "x.jpg")
        #expect(image.width == 64 && image.height == 64)
        let note = try #require(notes.first)
        #expect(note.hasPrefix("'x.jpg' ends too early: "))
        #expect(note.contains("over the picture w"))
    }

    @Test("a JPEG with noise in its scan is read and said to be damaged")
    func readsDamagedJPEG() throws {
        var bytes = try Fixtures.image(width: 64, height: 96, channels: 3, bitDepth: 8)
            .encoded(as: .jpeg, options: .init(jpegQuality: 95))
        let whole = try Image.decoded(from: bytes, name: "x.jpg")
        let scan = try #require(JPEGFile.segment(0xDA, of: bytes))
        let middle = scan + (bytes.count - scan) / 2
        // A marker that has no business there ends the scan.
        bytes.replaceSubrange(middle..<middle + 2, with: [0xFF, 0xD9])
        let (image, notes) = try read(bytes, name: "x.jpg")
        #expect(image.samples[..<(24 * 192)] == whole.samples[..<(24 * 192)])
        #expect(notes.count == 1)
        #expect(notes.first?.hasPrefix("'x.jpg' is damaged (Corrupt JPEG data") == true)
    }

    @Test("the note counts the rows of the picture, not those that a second frame header claims")
    func countsRows() throws {
        let bytes = try Fixtures.smoothImage(width: 19, height: 17).encoded(as: .jpeg)
        // Arithmetic coding, a height of one row, and the end.
        let cut = bytes.dropLast(2) + [0xFF, 0xC9, 0, 11, 8, 0, 1, 0, 19]
        let (image, notes) = try read(Array(cut), name: "x.jpg")
        #expect(try image == Image.decoded(from: bytes, name: "x.jpg"))
        #expect(notes == ["'x.jpg' ends too early: all rows were read"])
    }

    @Test("cut anywhere, noise anywhere: never more than an error")
    func survivesNoise() throws {
        var generator = SplitMix64(state: 11)
        let image = try Fixtures.image(width: 24, height: 24, channels: 3, bitDepth: 8)
        let files = [
            try image.encoded(as: .jpeg), try image.encoded(as: .png),
            try image.encoded(as: .jpeg, options: .init(isProgressive: true)),
            PNGFile.stored(
                width: 24, height: 24, channels: 3,
                samples: image.samples.map(UInt8.init), isInterlaced: true),
        ]
        for round in 0..<800 {
            var bytes = files[round % 4]
            bytes.removeLast(Int.random(in: 0..<bytes.count - 4, using: &generator) * (round / 4 % 2))
            for _ in 0..<Int.random(in: 0...6, using: &generator) {
                let index = Int.random(in: 3..<bytes.count, using: &generator)
                bytes[index] = UInt8.random(in: 0...255, using: &generator)
            }
            if let (image, _) = try? read(bytes, name: "noise") {
                #expect(image.samples.count == image.width * image.height * image.channels)
            }
        }
    }
}
