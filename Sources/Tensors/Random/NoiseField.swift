/// Standard normal noise addressed by (seed, sample, step, channel, row, column).
///
/// Every pixel's noise is a pure function of its address, so it is the same on every device
/// and with any number of threads, and a tile of a picture gets the same noise as the whole
/// picture does at that place.
public struct NoiseField: Sendable {
    public let seed: UInt64
    /// Which of several samples of one picture.
    public let sample: UInt32

    public init(seed: UInt64, sample: Int = 0) {
        self.seed = seed
        self.sample = UInt32(truncatingIfNeeded: sample)
    }

    /// N(0, 1) noise of shape 1×channels×height×width.
    ///
    /// - Parameters:
    ///   - step: which draw; 0 is the initial noise, later draws are those of the sampler.
    ///   - row, column: where in the whole picture the top-left pixel of this part lies.
    public func tensor(
        step: Int, channels: Int, height: Int, width: Int, row: Int = 0, column: Int = 0
    ) throws -> Tensor {
        let generator = CounterGenerator(seed: seed)
        let step = UInt32(truncatingIfNeeded: step)
        // One counter gives four values: four channels of one pixel. The fourth is unused for
        // RGB, the price of an address that depends on nothing but the pixel.
        let groups = (channels + 3) / 4
        let plane = height * width
        let count = channels * plane
        let values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            for y in 0..<height {
                for x in 0..<width {
                    for group in 0..<groups {
                        let normal = generator.normals(
                            UInt32(truncatingIfNeeded: row + y), UInt32(truncatingIfNeeded: column + x),
                            step &+ UInt32(truncatingIfNeeded: group) << 24, sample)
                        for lane in 0..<min(4, channels - group * 4) {
                            buffer.initializeElement(
                                at: (group * 4 + lane) * plane + y * width + x, to: normal[lane])
                        }
                    }
                }
            }
            initialized = count
        }
        return try Tensor(values, shape: [1, channels, height, width])
    }
}
