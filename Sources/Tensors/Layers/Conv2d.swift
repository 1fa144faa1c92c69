/// A two-dimensional convolution over N×C×H×W pictures in channels-last memory.
///
/// For inference on the CPU ``prepareForInference(_:)`` packs the weights, once for Winograd's algorithm
/// where ``WinogradConvolution`` can be used, else for oneDNN and each size of input (``PackedWeights``); SiLU or a following addition is
/// then done inside the convolution. On a CUDA device they follow it in one pass (``DeviceConvolution``). Training uses
/// ``WinogradConvolution`` with its gradients where that pays, else the plain operators, with SiLU and addition by
/// themselves.
public final class Conv2d: Module {
    public let weight: Tensor
    public let bias: Tensor
    public let stride: Int
    public let padding: Int
    private var preparation: Preparation?

    /// Packed weights, and what they were packed for.
    private enum Preparation {
        case winograd(WinogradConvolution)
        case quantized(QuantizedConvolution)
        case packed(PackedWeights)
        case device(DeviceConvolution)
    }

    /// - Parameter zero: starts with weights and bias at 0, for the last layer of a residual branch.
    public init(
        _ inputs: Int, _ outputs: Int, kernel: Int = 3, stride: Int = 1, padding: Int? = nil,
        zero: Bool = false, _ initializer: Initializer
    ) throws {
        self.stride = stride
        self.padding = padding ?? kernel / 2
        let shape = [outputs, inputs, kernel, kernel]
        let bound = 1 / Double(inputs * kernel * kernel).squareRoot()
        weight =
            try zero
            ? initializer.constant(shape, 0).channelsLast() : initializer.uniform(shape, bound: bound)
        bias = try zero ? initializer.constant([outputs], 0) : initializer.uniform([outputs], bound: bound)
        super.init()
        _ = try register("weight", weight)
        _ = try register("bias", bias)
    }

    /// What is done to the sum of products and bias before it is written.
    public enum Epilogue {
        case none
        case silu
        /// Adds a tensor of the output's shape.
        case add(Tensor)
        /// Adds a tensor of the output's shape that nobody needs any more: its memory may become the output's.
        case addInto(Tensor)
    }

    /// N×inputs×H×W → N×outputs×H'×W'.
    ///
    /// - Parameter shift: added to the bias, length `outputs`, the same for every sample; only
    ///   the inference path has a use for it (``isPrepared``).
    public func callAsFunction(_ x: Tensor, shift: Tensor? = nil, then epilogue: Epilogue = .none) throws
        -> Tensor
    {
        // Of few positions oneDNN shares out the sum over channels on some processors, whose last bits then depend on
        // the number of threads.
        if !isTraining, x.device == .cpu, x.rank == 4, x.shape[2] * x.shape[3] < Self.fewPositions {
            return try Device.onOneThread { try convolved(x, shift: shift, then: epilogue) }
        }
        return try convolved(x, shift: shift, then: epilogue)
    }

    private static let fewPositions = 128

    private func convolved(_ x: Tensor, shift: Tensor?, then epilogue: Epilogue) throws -> Tensor {
        if case .device(let convolution) = preparation {
            return try convolution(x, shift: shift, then: epilogue)
        }
        let bias = try shift.map { try self.bias + $0 } ?? self.bias
        switch preparation {
        case .winograd(let convolution): return try convolution(x, bias: bias, then: epilogue)
        case .quantized(let convolution): return try convolution(x, bias: bias, then: epilogue)
        case .packed(let packed):
            let common: [OperatorArgument] = [
                .tensor(try packed.weights(for: x.shape)), .tensor(bias), .ints([padding, padding]),
                .ints([stride, stride]),
                .ints([1, 1]),
                .int(1),
            ]
            switch epilogue {
            case .none, .silu:
                var activation = "none"
                if case .silu = epilogue { activation = "swish" }
                let result = try Op.convolutionPointwise(
                    [.tensor(x)] + common + [.string(activation), .emptyList, .string("")])
                return result[0]
            case .add(let other), .addInto(let other):
                let result = try Op.convolutionPointwiseAdd(
                    [.tensor(x), .tensor(other)] + common
                        + [.string("add"), .double(1), .none, .emptyList, .none])
                return result[0]
            }
        case .device, nil: break
        }
        let sum =
            try stride == 1 && padding == 1 && isTraining && WinogradConvolution.fits(x, weight)
            ? WinogradConvolution.trained(x, weight, bias: bias)
            : x.convolved(weight, bias: bias, stride: stride, padding: padding)
        if let counter = FLOPCounter.current {
            let kernel = weight.shape.dropFirst().reduce(1, *)
            counter.add(2 * Double(kernel) * Double(sum.count))
        }
        switch epilogue {
        case .none: return sum
        case .silu: return try silu(sum)
        case .add(let other), .addInto(let other): return try sum + other
        }
    }

    /// Whether weights are packed and ``Epilogue`` is computed inside the convolution.
    public var isPrepared: Bool { preparation != nil }

    /// Packs the weights for inference.
    ///
    /// - Parameter precision: int8 and int16 are only taken for 3×3 convolutions of stride 1, where the processor has
    ///   them.
    public func prepareForInference(_ precision: InferencePrecision = .float32) throws {
        guard preparation == nil, weight.dtype == .float32 else { return }
        guard weight.device == .cpu else {
            preparation = .device(
                try DeviceConvolution(
                    weight, bias: bias, stride: stride, padding: padding, dtype: precision.deviceType))
            return
        }
        if precision == .int8, stride == 1, padding == 1, let convolution = try QuantizedConvolution(weight) {
            preparation = .quantized(convolution)
            return
        }
        if stride == 1, padding == 1, let convolution = try WinogradConvolution(weight, precision: precision)
        {
            preparation = .winograd(convolution)
            return
        }
        guard Op.reorderConvolution.exists, Op.convolutionPointwise.exists, Op.convolutionPointwiseAdd.exists
        else { return }
        preparation = .packed(
            PackedWeights { [weight, padding, stride] input in
                try Op.reorderConvolution.one(
                    .tensor(weight.detach()), .ints([padding, padding]), .ints([stride, stride]),
                    .ints([1, 1]),
                    .int(1), .ints(input))
            })
    }

    /// What a 3×3 convolution of stride 1 makes of `x`: N×outputs×H×W.
    ///
    /// - Throws: ``TensorError`` where `x` is not N×inputs×H×W, or what the epilogue adds is not of the output's shape.
    static func outputShape(of x: Tensor, inputs: Int, outputs: Int, then epilogue: Epilogue) throws -> [Int]
    {
        let size = x.shape
        guard size.count == 4, size[1] == inputs else {
            throw TensorError(
                operation: "convolution", shapes: [size], reason: "the input must be N×\(inputs)×H×W")
        }
        let shape = [size[0], outputs, size[2], size[3]]
        if let other = epilogue.addend, other.shape != shape {
            throw TensorError(
                operation: "convolution", shapes: [other.shape, shape],
                reason: "what is added must have the output's shape")
        }
        return shape
    }

    /// Packed weights are a copy: they are dropped when the weights change.
    public override func parametersDidChange() { preparation = nil }
}

extension Conv2d.Epilogue {
    /// What is added, if anything is.
    var addend: Tensor? {
        switch self {
        case .add(let other), .addInto(let other): other
        case .none, .silu: nil
        }
    }
}
