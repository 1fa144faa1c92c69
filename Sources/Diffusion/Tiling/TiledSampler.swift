import Tensors

/// Draws samples of pictures of any size: the network looks at overlapping tiles, and what it predicts
/// is blended at every step, so that all tiles follow one x_t over one noise field.
///
/// Apart from the network every step is pixel by pixel and made band by band in place: x_t is the only
/// picture in memory (and the last clean estimate, for a solver that looks back).
public struct TiledSampler {
    public var grid: TileGrid
    public var parameterization: Parameterization
    public var device: Device
    /// A tile of x_t, 1×C×h×w, at level γ → its prediction of the same shape.
    public var denoiser: (_ noisy: Tensor, _ gamma: Double, _ region: PictureRegion) throws -> Tensor
    /// Standard normal noise, 1×C×h×w, of a region: draw 0 starts, draw i ≥ 1 is for step i.
    public var noise: (_ draw: Int, _ region: PictureRegion) throws -> Tensor
    /// Brings x̂₀ of a region into its range.
    public var limit: ((_ region: PictureRegion) throws -> CleanLimit)?
    /// As in ``SamplingContext``.
    public var temperature: Double
    /// Called with (tiles done, tiles in all, over all steps).
    public var progress: (Int, Int) -> Void
    public var isCancelled: () -> Bool

    public init(
        grid: TileGrid, parameterization: Parameterization, device: Device,
        denoiser: @escaping (Tensor, Double, PictureRegion) throws -> Tensor,
        noise: @escaping (Int, PictureRegion) throws -> Tensor,
        limit: ((PictureRegion) throws -> CleanLimit)? = nil, temperature: Double = 1,
        progress: @escaping (Int, Int) -> Void = { _, _ in }, isCancelled: @escaping () -> Bool = { false }
    ) {
        self.grid = grid
        self.parameterization = parameterization
        self.device = device
        self.denoiser = denoiser
        self.noise = noise
        self.limit = limit
        self.temperature = temperature
        self.progress = progress
        self.isCancelled = isCancelled
    }

    /// One sample, 1×C×H×W, on the device.
    ///
    /// - Parameter levels: signal levels rising strictly from above 0 to 1.
    /// - Throws: ``SamplingError``; `CancellationError`.
    public func sample(_ sampler: Sampler, levels: [Double], channels: Int) throws -> Tensor {
        try SamplingError.check(levels)
        return try noGrad {
            let size = [1, channels, grid.height, grid.width]
            let x = try Tensor.zeros(size, device: device)
            for band in RowBands(rows: 0..<grid.height, width: grid.width) {
                let noise = try noise(0, region(band))
                try x.rows(band).copy(from: temperature == 1 ? noise : noise * temperature)
            }
            let steps = levels.count - 1
            let clean = sampler.looksBack && steps > 2 ? try Tensor.zeros(size, device: device) : nil
            for index in 0..<steps {
                try step(
                    x, clean: clean, sampler, gamma: levels[index], next: levels[index + 1],
                    before: index > 0 ? levels[index - 1] : nil, draw: index + 1, of: steps)
            }
            return x
        }
    }

    /// Brings x from one level to the next, in place.
    private func step(
        _ x: Tensor, clean: Tensor?, _ sampler: Sampler, gamma: Double, next: Double, before: Double?,
        draw: Int,
        of steps: Int
    ) throws {
        var tiles = 0
        progress((draw - 1) * grid.count, steps * grid.count)
        let pass = TiledPass(
            grid: grid, isCancelled: isCancelled,
            tileDone: {
                tiles += 1
                progress((draw - 1) * grid.count + tiles, steps * grid.count)
            })
        func finish(_ rows: Range<Int>, _ prediction: Tensor) throws {
            for band in RowBands(rows: rows, width: grid.width) {
                let noisy = try x.rows(band)
                let predicted = try prediction.narrowed(
                    2, start: band.lowerBound - rows.lowerBound, count: band.count)
                let estimate = try parameterization.estimate(
                    prediction: predicted, noisy: noisy, gamma: gamma, limit: limit?(region(band)))
                var previous: SamplingStep.Previous?
                if let clean, let before { previous = .init(clean: try clean.rows(band), gamma: before) }
                let after = try sampler.step(
                    SamplingStep(
                        noisy: noisy, estimate: estimate, gamma: gamma, next: next, previous: previous,
                        noise: { try noise(draw, region(band)) }))
                try clean?.rows(band).copy(from: estimate.clean)
                try noisy.copy(from: after)
            }
        }
        try pass.run(
            read: { try x.rows($0) }, network: { try denoiser($0, gamma, $1) }, finish: finish)
    }

    private func region(_ rows: Range<Int>) -> PictureRegion {
        PictureRegion(rows: rows, columns: 0..<grid.width)
    }
}
