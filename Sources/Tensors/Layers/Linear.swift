/// y = x·Wᵀ + b over the last dimension. Initial values as PyTorch's: uniform ±1/√inputs.
public final class Linear: Module {
    public let weight: Tensor
    public let bias: Tensor

    public init(_ inputs: Int, _ outputs: Int, _ initializer: Initializer) throws {
        let bound = 1 / Double(inputs).squareRoot()
        weight = try initializer.uniform([outputs, inputs], bound: bound)
        bias = try initializer.uniform([outputs], bound: bound)
        super.init()
        _ = try register("weight", weight)
        _ = try register("bias", bias)
    }

    /// …×inputs → …×outputs.
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        let y = try Op.linear.one(.tensor(x), .tensor(weight), .tensor(bias))
        FLOPCounter.current?.add(2 * Double(weight.shape[1]) * Double(y.count))
        return y
    }
}
