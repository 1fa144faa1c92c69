/// A second, slow PNG decoder written from the standard (W3C PNG, third edition), against
/// which the one under test is compared. It trusts its input.
struct ReferencePNG {
    var width = 0
    var height = 0
    var channels = 0
    var bitDepth = 0
    var samples: [UInt16] = []

    private var storedDepth = 0
    private var colorType = 0
    private var palette: [UInt8] = []
    private var transparency: [UInt8]?

    init(_ file: [UInt8]) throws {
        var compressed: [UInt8] = []
        var isInterlaced = false
        var offset = 8
        while offset < file.count {
            let count = Self.number(file[offset..<offset + 4])
            let type = String(decoding: file[offset + 4..<offset + 8], as: UTF8.self)
            let data = Array(file[offset + 8..<offset + 8 + count])
            switch type {
            case "IHDR":
                width = Self.number(data[0..<4])
                height = Self.number(data[4..<8])
                storedDepth = Int(data[8])
                colorType = Int(data[9])
                isInterlaced = data[12] == 1
            case "PLTE": palette = data
            case "tRNS": transparency = data
            case "IDAT": compressed += data
            default: break
            }
            offset += 12 + count
        }
        channels = (colorType & 2 != 0 ? 3 : 1)
        if colorType & 4 != 0 || transparency != nil { channels += 1 }
        bitDepth = storedDepth == 16 ? 16 : 8
        samples = [UInt16](repeating: 0, count: width * height * channels)
        try decode(Inflate.decompress(compressed), isInterlaced: isInterlaced)
    }

    private static func number(_ bytes: some Sequence<UInt8>) -> Int {
        bytes.reduce(0) { $0 << 8 | Int($1) }
    }

    private var storedChannels: Int { [1, 0, 3, 1, 2, 0, 4][colorType] }

    private mutating func decode(_ data: [UInt8], isInterlaced: Bool) {
        // Start and step of each Adam7 pass: x, y, dx, dy.
        let passes =
            isInterlaced
            ? [
                (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
                (1, 0, 2, 2), (0, 1, 1, 2),
            ]
            : [(0, 0, 1, 1)]
        let bitsPerPixel = storedChannels * storedDepth
        let pixelBytes = max(1, bitsPerPixel / 8)
        var offset = 0
        for (x0, y0, dx, dy) in passes where x0 < width && y0 < height {
            let passWidth = (width - x0 + dx - 1) / dx
            let rowBytes = (passWidth * bitsPerPixel + 7) / 8
            var above = [UInt8](repeating: 0, count: rowBytes)
            for y in stride(from: y0, to: height, by: dy) {
                let filter = data[offset]
                var row = Array(data[offset + 1..<offset + 1 + rowBytes])
                offset += 1 + rowBytes
                for i in 0..<rowBytes {
                    let left = i < pixelBytes ? 0 : Int(row[i - pixelBytes])
                    let corner = i < pixelBytes ? 0 : Int(above[i - pixelBytes])
                    let predicted = Self.prediction(
                        filter, left: left, above: Int(above[i]), corner: corner)
                    row[i] = row[i] &+ UInt8(truncatingIfNeeded: predicted)
                }
                for column in 0..<passWidth { setPixel(x0 + column * dx, y, row, column) }
                above = row
            }
        }
    }

    private static func prediction(
        _ filter: UInt8, left: Int, above: Int, corner: Int
    ) -> Int {
        switch filter {
        case 1: return left
        case 2: return above
        case 3: return (left + above) / 2
        case 4:
            let estimate = left + above - corner
            let distances = (
                abs(estimate - left), abs(estimate - above), abs(estimate - corner)
            )
            if distances.0 <= distances.1, distances.0 <= distances.2 { return left }
            return distances.1 <= distances.2 ? above : corner
        default: return 0
        }
    }

    private mutating func setPixel(_ x: Int, _ y: Int, _ row: [UInt8], _ column: Int) {
        let stored = (0..<storedChannels).map { channel in
            let bit = (column * storedChannels + channel) * storedDepth
            if storedDepth == 16 { return Self.number(row[bit / 8..<bit / 8 + 2]) }
            let shift = 8 - storedDepth - bit % 8
            return Int(row[bit / 8]) >> shift & ((1 << storedDepth) - 1)
        }
        var pixel: [Int]
        if colorType == 3 {
            let index = stored[0]
            pixel = palette[3 * index..<3 * index + 3].map(Int.init)
            if let transparency {
                pixel.append(index < transparency.count ? Int(transparency[index]) : 255)
            }
        } else {
            let scale = storedDepth < 8 ? 255 / ((1 << storedDepth) - 1) : 1
            pixel = stored.map { $0 * scale }
            if let transparency {
                let key = stride(from: 0, to: transparency.count, by: 2).map {
                    Self.number(transparency[$0..<$0 + 2])
                }
                pixel.append(key == stored ? 0 : bitDepth == 16 ? 65535 : 255)
            }
        }
        for (channel, value) in pixel.enumerated() {
            samples[(y * width + x) * channels + channel] = UInt16(value)
        }
    }
}
