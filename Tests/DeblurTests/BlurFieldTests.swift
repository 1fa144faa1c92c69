import Degradation
import Diffusion
import Foundation
import Tensors
import Testing

@testable import Deblur

@Suite struct BlurFieldTests {
    // MARK: parts

    @Test(arguments: [540, 640, 719, 1280, 4001, 24_000])
    func partsCoverASideAndTheirSharesAreOne(length: Int) {
        let parts = OverlappingParts(length: length)
        #expect((2...8).contains(parts.count))
        for line in [parts, parts.scaled(to: length * 2), parts.scaled(to: length / 3)] {
            #expect(line.count == parts.count)
            var sums = [Float](repeating: 0, count: line.length)
            var overlapping = 0
            for index in 0..<line.count {
                let (range, shares) = (line.range(index), line.shares(index, in: line.range(index)))
                #expect(range.count == shares.count)
                #expect(shares.allSatisfy { $0 > 0 && $0 <= 1 })
                for (place, share) in zip(range, shares) { sums[place] += share }
                if index > 0 { overlapping += line.range(index - 1).upperBound - range.lowerBound }
            }
            #expect(sums.allSatisfy { abs($0 - 1) < 1e-5 })
            // Neighbours fade over the same number of pixels, at most 160.
            #expect(overlapping > 0 && overlapping <= 160 * (line.count - 1))
        }
    }

    @Test func aShortSideIsOnePart() {
        for length in [1, 321, 539] {
            let parts = OverlappingParts(length: length)
            #expect(parts.count == 1 && parts.range(0) == 0..<length)
            #expect(parts.shares(0, in: parts.range(0)) == [Float](repeating: 1, count: length))
        }
    }

    // MARK: deconvolution

    private static let kernels = [
        BlurKernel.linear(length: 9, angle: 0.4), BlurKernel.linear(length: 11, angle: 1.9),
    ]
    private static let (height, width) = (240, 640)

    /// Blurred by the first kernel at the left and the second at the right, with a third of the width between.
    private static func pair() throws -> (sharp: Tensor, blurred: Tensor) {
        let margin = 8
        let around = try DeconvolutionTests.sharp(side: width + 2 * margin)
        let sides = try kernels.map { try BlurDegradation.blurred(around, margin: margin, kernels: [$0]) }
        let grain = try NoiseField(seed: 3).tensor(step: 0, channels: 3, height: width, width: width)
        let share = try Tensor(
            (0..<width).map { min(1, max(0, Float($0 - width / 3) / Float(width / 3))) },
            shape: [1, 1, 1, width])
        let blurred = try (sides[0] + (sides[1] - sides[0]) * share + grain * 0.004).clamped(-1, 1)
        return (
            try around.trimmed(by: margin).cropped(height: height, width: width).contiguous(),
            try blurred.cropped(height: height, width: width).contiguous()
        )
    }

    private static func error(_ a: Tensor, _ b: Tensor) throws -> Double {
        try a.trimmed(by: 16).meanSquaredError(to: b.trimmed(by: 16)).item().squareRoot()
    }

    private static func field(_ kernels: [BlurKernel]) -> BlurField {
        BlurField(
            rows: .init(length: height), columns: .init(length: width), kernels: kernels, clearest: 0)
    }

    @Test func theSameKernelEverywhereIsOne() throws {
        let (sharp, blurred) = try Self.pair()
        let filter = WienerDeconvolution(margin: 15)
        let kernel = Self.kernels[0]
        let whole = try filter(blurred, kernels: [kernel])
        let uniform = BlurField(kernel, height: Self.height, width: Self.width)
        #expect(uniform.isUniform && uniform.kernel == kernel)
        #expect(try filter(blurred, field: uniform).bytes() == whole.bytes())
        let parts = try filter(blurred, field: Self.field([kernel, kernel, kernel]))
        #expect(parts.shape == blurred.shape)
        // What a part does not see beyond its edges makes nothing worse: its share is small there.
        let errors = (try Self.error(parts, sharp), try Self.error(whole, sharp))
        print("in parts \(errors.0), whole \(errors.1), apart \(try Self.error(parts, whole))")
        #expect(errors.0 < errors.1 * 1.02)
        #expect(try Self.error(parts, whole) < errors.1 * 0.2)
        // In light as well.
        let curve = LightCurve(exponent: 2)
        #expect(
            try filter(blurred, field: uniform, in: curve).bytes()
                == filter(blurred, kernels: [kernel], in: curve).bytes())
        let lit = try filter(blurred, field: Self.field([kernel, kernel, kernel]), in: curve)
        let litWhole = try filter(blurred, kernels: [kernel], in: curve)
        #expect(try Self.error(lit, litWhole) < Self.error(litWhole, whole) * 0.5)
    }

    @Test func aKernelForEachPartIsBetterThanOneForAll() throws {
        let (sharp, blurred) = try Self.pair()
        let filter = WienerDeconvolution(margin: 15)
        let (left, right) = (Self.kernels[0], Self.kernels[1])
        let made = try filter(blurred, field: Self.field([left, left, right]))
        let ones = try Self.kernels.map { try Self.error(filter(blurred, kernels: [$0]), sharp) }
        let errors = (try Self.error(blurred, sharp), try Self.error(made, sharp))
        print("blurred \(errors.0), by one kernel \(ones), by parts \(errors.1)")
        #expect(try #require(ones.min()) > errors.1 * 1.3)
    }

    // MARK: search

    private static let estimator = BlurEstimator(side: 15)

    private static func luma(_ picture: Tensor) throws -> Tensor { try BlurEstimator.luma(of: picture) }

    @Test func eachPartHasItsOwnKernel() throws {
        let (_, blurred) = try Self.pair()
        let network = try KernelNetworkTests.network()
        let gray = try Self.luma(blurred)
        let field = try Self.estimator.field(ofLuma: gray, from: Self.kernels[0], network: network)
        #expect(field.rows == OverlappingParts(length: Self.height))
        #expect(field.columns == OverlappingParts(length: Self.width))
        #expect(field.kernels.count == 3 && field.kernels.indices.contains(field.clearest))
        func distance(_ part: Int, _ kernel: Int) throws -> Double {
            try field.kernels[part].distance(to: Self.kernels[kernel])
        }
        print(
            "left \(try distance(0, 0)) and \(try distance(0, 1)), right \(try distance(2, 0)) and \(try distance(2, 1))"
        )
        #expect(try distance(0, 0) < distance(0, 1) * 0.7)
        #expect(try distance(2, 1) < distance(2, 0) * 0.7)
        // The same whatever the threads.
        let count = Device.threads
        defer { try? Device.setThreads(count) }
        for threads in [1, 3] {
            try Device.setThreads(threads)
            #expect(
                try Self.estimator.field(ofLuma: gray, from: Self.kernels[0], network: network) == field)
        }
        #expect(throws: CancellationError.self) {
            try Self.estimator.field(
                ofLuma: gray, from: Self.kernels[0], network: network, isCancelled: { true })
        }
    }

    @Test func aKernelMovesHalfTheWayToItsNeighbours() {
        func guess(_ places: [Int: Float]) -> KernelGuess {
            var values = [Float](repeating: 0, count: 9)
            for (place, value) in places { values[place] = value }
            return KernelGuess(side: 3, values: values)
        }
        var search = KernelSearch(BlurEstimator(side: 3), from: guess([4: 1]))
        search.move(halfwayTo: [])
        #expect(search.guess == guess([4: 1]))
        search.move(halfwayTo: [guess([0: 1]), guess([4: 0.5, 8: 0.5])])
        #expect(search.guess == guess([0: 0.25, 4: 0.625, 8: 0.125]))
    }

    @Test func smallPicturesAndKnownKernelsAreOnePart() throws {
        let kernel = Self.kernels[0]
        let (_, blurred) = try Self.pair()
        let network = try KernelNetworkTests.network()
        let small = try blurred.cropped(height: 240, width: 500).contiguous()
        #expect(
            try Self.estimator.field(ofLuma: Self.luma(small), from: kernel, network: network)
                == BlurField(kernel, height: 240, width: 500))
        #expect(
            try Self.estimator.field(ofLuma: Self.luma(blurred), from: .identity, network: network)
                == BlurField(.identity, height: 240, width: 640))
        // Longer than what parts can tell.
        for (length, isWhole) in [(9.0, false), (16.0, true)] {
            let long = BlurKernel.linear(length: length, angle: 0)
            let found = try Self.estimator.field(ofLuma: Self.luma(blurred), from: long, network: network)
            #expect(found.isUniform == isWhole)
        }
        // Hardly blurred: parts would find blur in texture.
        for (middle, isWhole) in [(Float(0.52), true), (0.48, false)] {
            let hardly = try BlurKernel(
                side: 3, exactly: [0, 0, 0, (1 - middle) / 2, middle, (1 - middle) / 2, 0, 0, 0])
            let found = try Self.estimator.field(ofLuma: Self.luma(blurred), from: hardly, network: network)
            #expect(found.isUniform == isWhole)
        }
        let deconvolution = Deconvolution(kernelSide: 15)
        let uniform = BlurField(kernel, height: 240, width: 640)
        // Nothing to improve kernels with; or not found by edges.
        let byEdges = BlurEstimate(kernel: kernel, estimator: deconvolution.estimator)
        #expect(try deconvolution.field(of: blurred, byEdges, network: nil) == uniform)
        let known = BlurEstimate(kernel: kernel)
        #expect(try deconvolution.field(of: blurred, known, network: network) == uniform)
        #expect(try !deconvolution.field(of: blurred, byEdges, network: network).isUniform)
    }

    /// Where the blur is long, the place that decides is looked at in a smaller picture, kernels and fields as well.
    @Test(arguments: [11, 15, 31, 45]) func aLongBlurIsJudgedInASmallerPicture(longest: Int) throws {
        let kernel = BlurKernel.linear(length: Double(longest - 2), angle: 0.3)
        let (sharp, blurred) = try DeconvolutionTests.pair(side: 900, kernel)
        let scale = BlurEstimator(side: 15).scale(for: longest)
        #expect(scale == min(1, 12 / Double(longest)))
        let place = try DecidingPlace(in: blurred, scale: scale)
        #expect(place.scale == scale && !place.isWhole)
        #expect(place.part.shape[2] == min(640, Int((900 * scale).rounded())))
        #expect(try place.part(of: blurred).floats() == place.part.floats())
        #expect(place.region.height == place.part.shape[2] && place.region.width == place.part.shape[3])
        #expect(place.region.rows.upperBound <= Int((900 * scale).rounded()))
        let parts = OverlappingParts(length: 900)
        let made = try place.part(of: sharp)
        func score(_ kernel: BlurKernel) throws -> Double {
            let count = parts.count * parts.count
            let field = BlurField(
                rows: parts, columns: parts, kernels: Array(repeating: kernel, count: count), clearest: 0)
            let evidence = try BlurChoice.evidence(
                of: place.scaled(field), in: .stored, region: place.region, blurred: place.part,
                prediction: made, margin: 15)
            return try #require(evidence).score(preference: 1)
        }
        // The sharp picture explains the blurred one with the kernel that it was blurred by.
        let scores = try [1, 0.7, 1.4].map { try score(kernel.scaled(by: $0)) }
        print("as long, shorter, longer:", scores)
        #expect(scores[0] > 1.1 * max(scores[1], scores[2]))
    }

    /// Of a field and one kernel for all the one counts whose prediction at the place with the strongest edges is better.
    @Test func predictionsSeeTheFieldWhereItIsBetter() throws {
        var configuration = TestModels.configuration()
        configuration.deconvolution = Deconvolution(kernelSide: 21, network: KernelNetworkTests.configuration)
        configuration.predictor.imageChannels = 6
        let networks = try TestModels.random(configuration, strength: 0.5).networks
        let deconvolution = try #require(networks.configuration.deconvolution)
        let network = try #require(networks.kernels)
        let (_, blurred) = try Self.pair()
        let found = try deconvolution.estimates(
            of: blurred, .ways(1), network: network, isCancelled: { false })
        let estimate = try #require(found.first)
        #expect(estimate.estimator != nil)
        let field = try deconvolution.field(of: blurred, estimate, network: network)
        #expect(!field.isUniform)
        let grid = try TilePlan(
            height: Self.height, width: Self.width, multiple: configuration.multiple,
            cost: .init(networks: [configuration.predictor], perPicturePixel: 1), budget: nil, side: nil,
            margin: 32
        ).grid
        func prediction(_ deconvolved: Tensor) throws -> Tensor {
            try networks.prediction(of: blurred, deconvolved: deconvolved, grid: grid)
        }
        let one = BlurField(estimate.kernel, height: Self.height, width: Self.width)
        let made = try [one, field].map { try prediction(deconvolution.filter(blurred, field: $0)) }
        let scores = try zip([one, field], made).map {
            let evidence = try BlurChoice.evidence(
                of: $0, in: .stored,
                region: PictureRegion(rows: 0..<Self.height, columns: 0..<Self.width), blurred: blurred,
                prediction: $1, margin: deconvolution.kernelSide)
            return try #require(evidence).score(preference: 1)
        }
        let better = scores[1] * BlurChoice.partsPreference > scores[0] ? 1 : 0
        let settled = try networks.settled(blurred, blur: .ways(1), in: .stored, grid: { _ in grid })
        let taken = try networks.prediction(of: settled, grid: { _ in grid })
        #expect(settled.kernel == (better == 1 ? field.kernel : estimate.kernel))
        print("one kernel \(scores[0]), parts \(scores[1])")
        #expect(try taken.bytes() == made[better].bytes())
        #expect(try taken.bytes() != made[1 - better].bytes())
    }

    /// A prediction that the true kernels blur into the picture explains it, and one kernel does not.
    @Test func theTrueFieldExplainsThePicture() throws {
        let (sharp, blurred) = try Self.pair()
        let (left, right) = (Self.kernels[0], Self.kernels[1])
        func score(_ field: BlurField, _ columns: Range<Int>) throws -> Double {
            let part = try (
                blurred.part(0..<Self.height, columns).contiguous(),
                sharp.part(0..<Self.height, columns).contiguous()
            )
            let evidence = try BlurChoice.evidence(
                of: field, in: .stored, region: PictureRegion(rows: 0..<Self.height, columns: columns),
                blurred: part.0, prediction: part.1, margin: 15)
            return try #require(evidence).score(preference: 1)
        }
        for columns in [0..<Self.width, 300..<Self.width] {
            let matching = try score(Self.field([left, left, right]), columns)
            #expect(try matching > score(Self.field([left, left, left]), columns) * 1.1)
        }
        // A part that does not reach a place has no say there.
        #expect(
            try score(Self.field([right, left, right]), 420..<Self.width)
                == score(Self.field([left, left, right]), 420..<Self.width))
    }
}
