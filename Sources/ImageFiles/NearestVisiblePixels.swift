/// Where the nearest pixel that is not fully transparent is, for each pixel of a picture.
///
/// An exact Euclidean distance transform in two passes over the picture: along columns, then
/// along rows as the lower envelope of parabolas (A. Meijster, J. Roerdink, W. Hesselink, "A
/// General Algorithm for Computing Distance Transforms in Linear Time", 2000).
struct NearestVisiblePixels {
    private let width: Int
    private let height: Int
    private let channels: Int
    /// For each pixel the row of the nearest visible pixel in its column, or -1.
    private let rows: [Int32]
    private let hiddenRows: [Bool]

    /// Nil when no pixel is fully transparent. The picture must be valid and have alpha.
    init?(of image: Image) {
        width = image.width
        height = image.height
        channels = image.channels
        let (width, height, channels) = (width, height, channels)
        var hiddenRows = [Bool](repeating: false, count: height)
        rows = image.samples.withUnsafeBufferPointer { samples in
            [Int32](unsafeUninitializedCapacity: width * height) { rows, count in
                for y in 0..<height {
                    var isHidden = false
                    for x in 0..<width {
                        let pixel = y * width + x
                        if samples[(pixel + 1) * channels - 1] > 0 {
                            rows[pixel] = Int32(truncatingIfNeeded: y)
                        } else {
                            rows[pixel] = y > 0 ? rows[pixel - width] : -1
                            isHidden = true
                        }
                    }
                    hiddenRows[y] = isHidden
                }
                for y in stride(from: height - 2, through: 0, by: -1) where hiddenRows[y] {
                    for x in 0..<width {
                        let pixel = y * width + x
                        let above = Int(rows[pixel])
                        let below = Int(rows[pixel + width])
                        if below > y, above < 0 || below - y < y - above {
                            rows[pixel] = Int32(truncatingIfNeeded: below)
                        }
                    }
                }
                count = width * height
            }
        }
        guard hiddenRows.contains(true) else { return nil }
        self.hiddenRows = hiddenRows
    }

    /// Gives each fully transparent pixel the colour of the nearest other one.
    func copyColor(in samples: inout [UInt16]) {
        // The columns whose pixels are the nearest in a row, and where each begins to be.
        var columns = [Int](repeating: 0, count: width)
        var starts = [Int](repeating: 0, count: width)
        samples.withUnsafeMutableBufferPointer { samples in
            columns.withUnsafeMutableBufferPointer { columns in
                starts.withUnsafeMutableBufferPointer { starts in
                    for y in 0..<height where hiddenRows[y] {
                        let count = findNearest(inRow: y, columns: columns, starts: starts)
                        copyColor(
                            in: samples, row: y, columns: columns, starts: starts, count: count)
                    }
                }
            }
        }
    }

    /// Fills `columns` and `starts`, from left to right; returns how many there are.
    private func findNearest(
        inRow y: Int, columns: UnsafeMutableBufferPointer<Int>,
        starts: UnsafeMutableBufferPointer<Int>
    ) -> Int {
        rows.withUnsafeBufferPointer { rows in
            /// The square of the distance down the column.
            func square(_ column: Int) -> Int {
                let distance = y - Int(rows[y * width + column])
                return distance * distance
            }
            func distance(from x: Int, to column: Int) -> Int {
                (x - column) * (x - column) + square(column)
            }
            var count = 0
            for x in 0..<width where rows[y * width + x] >= 0 {
                while count > 0,
                    distance(from: starts[count - 1], to: columns[count - 1])
                        > distance(from: starts[count - 1], to: x)
                {
                    count -= 1
                }
                if count == 0 {
                    columns[0] = x
                    starts[0] = 0
                    count = 1
                    continue
                }
                let last = columns[count - 1]
                let start =
                    1 + (x * x - last * last + square(x) - square(last)) / (2 * (x - last))
                if start < width {
                    columns[count] = x
                    starts[count] = start
                    count += 1
                }
            }
            return count
        }
    }

    private func copyColor(
        in samples: UnsafeMutableBufferPointer<UInt16>, row y: Int,
        columns: UnsafeMutableBufferPointer<Int>, starts: UnsafeMutableBufferPointer<Int>,
        count: Int
    ) {
        var nearest = count - 1
        for x in stride(from: width - 1, through: 0, by: -1) {
            while nearest > 0, x < starts[nearest] { nearest -= 1 }
            let target = (y * width + x) * channels
            guard samples[target + channels - 1] == 0 else { continue }
            if nearest < 0 {
                for c in 0..<channels - 1 { samples[target + c] = 0 }
                continue
            }
            let column = columns[nearest]
            let source = (Int(rows[y * width + column]) * width + column) * channels
            for c in 0..<channels - 1 { samples[target + c] = samples[source + c] }
        }
    }
}
