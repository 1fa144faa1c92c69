import ImageFiles

extension BlurKernel {
    /// The kernel as a gray picture of 16 bits: the largest value is white, and levels are shares, not of any gamma.
    public func image() throws -> Image {
        let top = values.max() ?? 1
        return try Image(
            width: side, height: side, channels: 1, bitDepth: 16,
            samples: values.map { UInt16(($0 / top * 65535).rounded()) },
            metadata: ImageMetadata(pngTexts: [
                PNGText(keyword: "Description", text: "a blur's kernel; white is its largest value")
            ]))
    }

    /// A kernel from a PNG or JPEG file, as ``init(image:)`` takes it.
    ///
    /// - Throws: ``DegradationError`` naming the file; ``ImageFileError``.
    public init(path: String) throws {
        let image = try Image.read(from: path)
        do { try self.init(image: image) } catch { throw DegradationError("'\(path)': \(error)") }
    }

    /// A kernel from a picture of it, of any size and depth: the mean of a pixel's colours is its share, black is none.
    /// Alpha is left out of account. It is moved so that its centroid lies on the middle pixel.
    ///
    /// - Throws: ``DegradationError`` for a black picture, and where the kernel would be larger than ``maximumSide``.
    public init(image: Image) throws {
        let points = (0..<(image.width * image.height)).compactMap { index in
            let first = index * image.channels
            let sum = (0..<image.colorChannels).reduce(0) { $0 + Int(image.samples[first + $1]) }
            return sum == 0
                ? nil : (x: Double(index % image.width), y: Double(index / image.width), weight: Double(sum))
        }
        guard !points.isEmpty else {
            throw DegradationError("a black picture is no kernel: bright pixels are its values")
        }
        let side = 2 * Self.radius(around: Self.centroid(of: points), points) + 1
        guard side <= Self.maximumSide else {
            throw DegradationError(
                "a kernel has at most \(Self.maximumSide) pixels a side, and what is not black here needs \(side)"
            )
        }
        self.init(points: points)
    }
}
