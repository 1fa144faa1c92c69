import Tensors
import Testing

@testable import Diffusion

/// What is made tile by tile must be what is made as a whole.
struct TiledSamplerTests {
    private static let size = (height: 150, width: 203)
    private static let grid = TileGrid(
        height: size.height, width: size.width, multiple: 8, layout: .init(side: 40, blend: 16, margin: 8))
    private static var shape: [Int] { [1, 3, size.height, size.width] }

    /// A network that looks `radius` pixels around itself: means of 3×3, with zeros outside.
    private static func local(_ x: Tensor, radius: Int) throws -> Tensor {
        let weight = try Tensor.full([3, 1, 3, 3], 1.0 / 9)
        return try (0..<radius).reduce(x) { h, _ in try h.convolved(weight, padding: 1, groups: 3) }
    }

    @Test func aPassGivesBackWhatTheNetworkSawInBandsThatFollow() throws {
        let picture = try randomTensor(Self.shape, dtype: .float32)
        let source = try picture.clone()
        let made = try Tensor.zeros(Self.shape)
        var finished = 0
        var read = 0
        var tiles = 0
        try TiledPass(grid: Self.grid, tileDone: { tiles += 1 }).run(
            read: { rows in
                #expect(rows.lowerBound >= read, "rows are read once")
                read = rows.upperBound
                return try source.rows(rows)
            },
            network: { tile, region in
                let difference = try largestDifference(tile, picture.part(region))
                #expect(difference == 0)
                return tile
            },
            finish: { rows, prediction in
                #expect(rows.lowerBound == finished)
                finished = rows.upperBound
                try made.rows(rows).copy(from: prediction)
                // The pass must have kept what it still needs of these rows.
                try source.rows(rows).fillZero()
            })
        #expect(finished == Self.size.height && tiles == Self.grid.count && tiles > 12)
        #expect(try largestDifference(made, picture) < 1e-6)
    }

    @Test func aNetworkThatLooksNoFurtherThanTheMarginIsExact() throws {
        let picture = try randomTensor(Self.shape, dtype: .float32)
        let whole = try Self.local(picture, radius: 8)
        func tiled(radius: Int) throws -> Tensor {
            let made = try Tensor.zeros(Self.shape)
            try TiledPass(grid: Self.grid).run(
                read: { try picture.rows($0) }, network: { tile, _ in try Self.local(tile, radius: radius) },
                finish: { try made.rows($0).copy(from: $1) })
            return made
        }
        #expect(try largestDifference(tiled(radius: 8), whole) < 1e-6)
        // One that looks further is not, so the test can tell.
        let far = try Self.local(picture, radius: 24)
        #expect(try largestDifference(tiled(radius: 24), far) > 1e-6)
    }

    private static let samplers: [Sampler] = [
        .ddpm(variance: 1), .ddpm(variance: 2), .ddim(eta: 0), .ddim(eta: 0.5), .dpmSolver,
    ]

    @Test(arguments: samplers, [1, 2, 5])
    func everySamplerGivesThePictureOfTheWhole(_ sampler: Sampler, steps: Int) throws {
        let levels = try NoiseSchedule(parsing: "linear:1e-4:0.1:100").samplingLevels(steps)
        let field = NoiseField(seed: 3, sample: 2)
        // The limit is another at every pixel, as that of a residual is.
        let bound = try randomTensor(Self.shape, stream: 9, dtype: .float32).magnitude() + 0.2
        func limit(_ bound: Tensor) -> CleanLimit {
            CleanLimit { clean in
                try clean.chosen(upTo: 0, clean, else: clean * bound / (bound + clean.magnitude()))
            }
        }
        func network(_ x: Tensor, _ gamma: Double) throws -> Tensor {
            try (Self.local(x, radius: 4) * 1.7 + gamma).sin() * 0.8 + x * 0.3
        }
        let whole = try sampler.sample(
            network, levels: levels,
            context: SamplingContext(
                parameterization: .velocity,
                noise: {
                    try field.tensor(
                        step: $0, channels: 3, height: Self.size.height, width: Self.size.width)
                }, limit: limit(bound), temperature: 0.9))
        var told: [Int] = []
        let tiled = try TiledSampler(
            grid: Self.grid, parameterization: .velocity, device: .cpu,
            denoiser: { noisy, gamma, region in
                #expect(noisy.shape == [1, 3, region.height, region.width])
                return try network(noisy, gamma)
            },
            noise: { try field.tensor(step: $0, channels: 3, region: $1) },
            limit: { try limit(bound.part($0)) }, temperature: 0.9,
            progress: { done, total in
                told.append(done)
                #expect(total == steps * Self.grid.count)
            }
        ).sample(sampler, levels: levels, channels: 3)
        #expect(try relativeDifference(tiled, whole) < 1e-5)
        #expect(told == told.sorted() && told.last == steps * Self.grid.count)
    }

    @Test func cancellingStopsBeforeTheNextTile() throws {
        var looks = 0
        let sampler = TiledSampler(
            grid: Self.grid, parameterization: .velocity, device: .cpu,
            denoiser: { noisy, _, _ in
                looks += 1
                return noisy
            },
            noise: { try NoiseField(seed: 1).tensor(step: $0, channels: 3, region: $1) },
            isCancelled: { looks == 5 })
        #expect(throws: CancellationError.self) {
            try sampler.sample(.ddim(eta: 0), levels: [0.1, 0.5, 1], channels: 3)
        }
        #expect(looks == 5)
        #expect(throws: SamplingError.self) {
            try sampler.sample(.ddim(eta: 0), levels: [0.5, 0.1, 1], channels: 3)
        }
    }

    /// A margin as wide as what the network sees makes tiles exact, patches and levels included; how much
    /// less is enough for the weights that ship is a test of SR3 and in Results/files.md.
    @Test func tilesOfAUNetAreExactWithAMarginAsWideAsItsView() throws {
        let configuration = UNetConfiguration(baseWidth: 8, multipliers: [1, 2], blocks: 1, patchSize: 2)
        let network = try UNetReferenceTests.network(configuration)
        let noisy = try randomTensor([1, 3, 250, 330], dtype: .float32)
        let condition = try randomTensor([1, 3, 250, 330], stream: 1, dtype: .float32)
        let level = try Tensor([Float(0.3)])
        // 6 convolutions over patches of 2 pixels and up to 10 over those of 4 see 52 pixels around them.
        let grid = TileGrid(
            height: 250, width: 330, multiple: configuration.multiple, layout: .init(side: 80, margin: 64))
        try noGrad {
            let whole = try network(noisy, condition: condition, signalLevel: level)
            let made = try Tensor.zeros(noisy.shape)
            try TiledPass(grid: grid).run(
                read: { try noisy.rows($0) },
                network: { try network($0, condition: condition.part($1), signalLevel: level) },
                finish: { try made.rows($0).copy(from: $1) })
            #expect(grid.count > 12)
            #expect(try relativeDifference(made, whole) < 1e-5)
        }
    }
}
