/// A convolution on a CUDA device: weights in the number format of inference, and what follows, bias and all, in one
/// pass over its result.
final class DeviceConvolution {
    private let weight: Tensor
    private let bias: Tensor
    private let stride: Int
    private let padding: Int

    init(_ weight: Tensor, bias: Tensor, stride: Int, padding: Int, dtype: DType) throws {
        self.weight = try noGrad { try weight.detach().to(dtype).channelsLast() }
        self.bias = try noGrad { try bias.detach().to(dtype) }
        (self.stride, self.padding) = (stride, padding)
    }

    /// N×inputs×H×W → N×outputs×H'×W' of the same type.
    ///
    /// - Parameter shift: added to the bias, length `outputs`.
    func callAsFunction(_ x: Tensor, shift: Tensor?, then epilogue: Conv2d.Epilogue) throws -> Tensor {
        try convolved(x, shift: shift, then: epilogue).to(x.dtype)
    }

    private func convolved(_ x: Tensor, shift: Tensor?, then epilogue: Conv2d.Epilogue) throws -> Tensor {
        let bias = try shift.map { try self.bias + $0.to(self.bias.dtype) } ?? self.bias
        let input = try x.to(weight.dtype)
        func convolved(_ bias: Tensor?) throws -> Tensor {
            try input.convolved(weight, bias: bias, stride: stride, padding: padding)
        }
        if case .none = epilogue { return try convolved(bias) }
        let column = try bias.reshaped([1, bias.count, 1, 1])
        let sum = try convolved(nil)
        guard let other = epilogue.addend else { return try DeviceKernel.biasSiLU(sum, column) }
        return try DeviceKernel.biasAdd(sum, column, other.to(sum.dtype))
    }
}
