import Testing

@testable import Tensors

struct TensorTests {
    @Test(arguments: DType.allCases)
    func valuesSurviveADTypeAndBack(dtype: DType) throws {
        // Whole numbers that every type but bool holds exactly.
        let values: [Float] = dtype == .bool ? [0, 1, 1, 0] : [0, 1, 100, 7]
        let x = try Tensor(values, shape: [2, 2]).to(dtype)
        #expect(x.dtype == dtype)
        #expect(x.shape == [2, 2])
        #expect(try x.bytes().count == 4 * dtype.byteCount)
        #expect(try x.floats() == values)
        #expect(DType(dtype.stored) == dtype)
        let again = try x.bytes().withUnsafeBytes { try Tensor(bytes: $0, shape: [2, 2], dtype: dtype) }
        #expect(try again.floats() == values)
    }

    @Test func halvesRoundToNearestEven() throws {
        // 1 + 2⁻¹¹ lies half-way between two float16 values, 1 + 3·2⁻¹¹ between the next two.
        let x = try Tensor([1 + 0x1p-11, 1 + 0x3p-11])
        #expect(try x.to(.float16).floats() == [1, 1 + 0x1p-9])
        #expect(try x.to(.bfloat16).floats() == [1, 1])
    }

    @Test func devicesByName() throws {
        #expect(try Device(named: "cpu") == .cpu)
        #expect(try Device(named: "auto") == Device.automatic)
        #expect(try Tensor([1]).to(Device.cpu).device == .cpu)
        #expect(Device.cuda(3).description == "cuda:3")
        for name in [
            "", "gpu", "CPU", "cpu:0", "cuda:", "cuda:-1", "cuda:x", "cuda:1:2", "auto:1", "cuda: 0",
        ] {
            let error = try #require(throws: DeviceError.self) { try Device(named: name) }
            #expect(error.description == "'\(name)' names no device: use auto, cpu, cuda or cuda:N")
        }
        let absent = try #require(throws: DeviceError.self) { try Device(named: "cuda:\(Device.cudaCount)") }
        #expect(
            absent.description.contains(
                Device.cudaCount == 0 ? "there is no CUDA device" : "this machine has"))
    }

    @Test(.enabled(if: Device.cudaCount == 0, "this machine has a CUDA device"))
    func cudaWithoutADeviceThrows() throws {
        #expect(throws: TensorError.self) { try Tensor([1]).to(Device.cuda(0)) }
        #expect(throws: TensorError.self) { try Device.cuda(0).synchronize() }
        #expect(Device.automatic == .cpu)
    }

    @Test func noGradEndsWithItsScope() throws {
        let x = try Tensor([2])
        try x.setRequiresGrad(true)
        #expect(try (x * 3).requiresGrad)
        let recorded = try noGrad {
            let before = try (x * 3).requiresGrad
            let inner = try noGrad { try (x * 3).requiresGrad }
            return try [before, inner, (x * 3).requiresGrad]
        }
        #expect(recorded == [false, false, false], "nor may an inner scope end the outer one")
        #expect(try (x * 3).requiresGrad)
        struct Failure: Error {}
        #expect(throws: Failure.self) { try noGrad { throw Failure() } }
        #expect(try (x * 3).requiresGrad, "a scope that throws must end as well")
        #expect(throws: TensorError.self) { try noGrad { try x * 3 }.backward() }
        #expect(x.grad == nil)
    }

    @Test func gradientsAddUpUntilCleared() throws {
        let x = try Tensor([3])
        try x.setRequiresGrad(true)
        try x.squared().sum().backward()
        try x.squared().sum().backward()
        #expect(try x.grad?.floats() == [12])
        x.clearGrad()
        #expect(x.grad == nil)
        #expect(throws: TensorError.self) { try (x * Tensor([1, 2])).backward() }
        #expect(throws: TensorError.self) { try Tensor([1, 2]).to(.int64).setRequiresGrad(true) }
    }

    @Test func arithmeticIsWhatItSays() throws {
        let a = try Tensor([1, -2, 4])
        let b = try Tensor([2, 3, -5])
        #expect(try (a + b).floats() == [3, 1, -1])
        #expect(try (a - b).floats() == [-1, -5, 9])
        #expect(try (a * b).floats() == [2, -6, -20])
        #expect(try (a / b).floats() == [0.5, -2.0 / 3, -0.8])
        #expect(try (10 - a).floats() == [9, 12, 6])
        #expect(try (a - 1).floats() == [0, -3, 3])
        #expect(try (2 * a + 1).floats() == [3, -3, 9])
        #expect(try (a / 2).floats() == [0.5, -1, 2])
        #expect(try (-a).floats() == [-1, 2, -4])
        #expect(try a.magnitude().floats() == [1, 2, 4])
        #expect(try a.clamped(-1, 2).floats() == [1, -1, 2])
        #expect(try a.relu().floats() == [1, 0, 4])
        #expect(try Tensor([0.5, 1.5, 2.5, -0.5]).rounded().floats() == [0, 2, 2, 0])
        #expect(try a.max().item() == 4)
        #expect(try a.min().item() == -2)
        #expect(try a.mean().item() == 1)
        try a.add(b, scaledBy: 2)
        #expect(try a.floats() == [5, 4, -6])
        #expect(try a.isFinite())
        #expect(try !Tensor([1, .nan]).isFinite())
        #expect(try !Tensor([1, -.infinity]).isFinite())
        #expect(try !Tensor([.infinity, -.infinity]).isFinite())
        #expect(try Tensor([3e38, 3e38]).isFinite(), "only their sum is infinite")
    }

    @Test func picturesAreTakenApartAndPutTogether() throws {
        let x = try randomTensor([2, 3, 8, 12])
        for factor in [1, 2, 4] {
            let parts = try x.pixelUnshuffled(factor)
            #expect(parts.shape == [2, 3 * factor * factor, 8 / factor, 12 / factor])
            #expect(try parts.pixelShuffled(factor).floats() == x.floats())
        }
        let cut = try x.cropped(height: 3, width: 5)
        #expect(cut.shape == [2, 3, 3, 5])
        #expect(
            try cut.narrowed(2, start: 2, count: 1).narrowed(3, start: 4, count: 1).floats()
                == x.narrowed(2, start: 2, count: 1).narrowed(3, start: 4, count: 1).floats())
        #expect(try x.upsampledNearest(2).averagePooled(2).floats() == x.floats())
        #expect(try x.flipped([3]).flipped([3]).floats() == x.floats())
        #expect(throws: TensorError.self) { try x.cropped(height: 9, width: 5) }
    }

    @Test func channelsLastIsKeptThroughAConvolution() throws {
        let make = Initializer(seed: 3)
        let convolution = try Conv2d(3, 8, make)
        let x = try randomTensor([2, 3, 10, 14])
        #expect(!x.isChannelsLast)
        let last = try x.channelsLast()
        #expect(last.isChannelsLast)
        #expect(try last.floats() == x.floats(), "the layout is not to be seen in the values")
        let y = try convolution(last, then: .silu)
        #expect(y.isChannelsLast)
        #expect(try y.silu().isChannelsLast)
        #expect(convolution.weight.isChannelsLast)
        #expect(try largestDifference(y, convolution(x, then: .silu)) < 1e-6)
        #expect(try last.contiguous().isChannelsLast == false)
    }

    @Test(
        .enabled(if: TensorReference.isAvailable, TensorReference.missing),
        arguments: [
            [5, 7, 3, 2], [5, 7, 4, 6], [3, 2, 13, 9], [2, 3, 1, 0], [2, 2, 7, 7], [4, 3, 0, 11],
            [1, 4, 5, 3],
            [1, 1, 3, 2], [6, 1, 2, 4],
        ])
    func reflectionEqualsNumPy(_ sizes: [Int]) throws {
        let x = try randomTensor([2, 3, sizes[0], sizes[1]])
        let found = try x.reflectPadded(bottom: sizes[2], right: sizes[3])
        let expected = try TensorReference.results(
            of: "pad", [("x", x)], [Double(sizes[2]), Double(sizes[3])])
        #expect(try found.floats() == expected.tensor("padded")?.floats())
        #expect(found.shape == [2, 3, sizes[0] + sizes[2], sizes[1] + sizes[3]])
        if sizes[2] < sizes[0], sizes[3] < sizes[1] {
            let once = try TensorReference.results(
                of: "pad_once", [("x", x)], [Double(sizes[2]), Double(sizes[3])])
            #expect(try found.floats() == once.tensor("padded")?.floats())
        }
    }
}
