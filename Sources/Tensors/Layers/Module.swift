/// A part of a network: named parameters and named children.
///
/// Names join with dots as in PyTorch (`down.0.blocks.1.conv1.weight`), so that a state
/// dictionary means the same on both sides.
open class Module {
    private var ownParameters: [(name: String, value: Tensor)] = []
    private var children: [(name: String, module: Module)] = []

    /// Whether dropout and its like are active.
    public private(set) var isTraining = false

    public init() {}

    /// Adds a trainable tensor under a name.
    public final func register(_ name: String, _ value: Tensor) throws -> Tensor {
        try value.setRequiresGrad(true)
        ownParameters.append((name, value))
        return value
    }

    /// Adds a child under a name.
    public final func register<M: Module>(_ name: String, _ module: M) -> M {
        children.append((name, module))
        return module
    }

    /// All parameters in the order they were registered, children after the module's own.
    public final var parameters: [(name: String, value: Tensor)] {
        ownParameters
            + children.flatMap { child in
                child.module.parameters.map { ("\(child.name).\($0.name)", $0.value) }
            }
    }

    public final var parameterCount: Int { parameters.reduce(0) { $0 + $1.value.count } }

    public final func setTraining(_ training: Bool) {
        isTraining = training
        for child in children { child.module.setTraining(training) }
    }

    /// Calls `body` for this module and every module below it.
    public final func forEachModule(_ body: (Module) throws -> Void) rethrows {
        try body(self)
        for child in children { try child.module.forEachModule(body) }
    }

    /// Copies values into the parameters by name.
    ///
    /// - Throws: ``TensorError`` naming the first parameter that is missing or has another shape.
    public final func load(_ state: (String) throws -> Tensor?) throws {
        try noGrad {
            for (name, parameter) in parameters {
                guard let value = try state(name) else {
                    throw TensorError(operation: "load weights", reason: "there is no '\(name)'")
                }
                guard value.shape == parameter.shape else {
                    throw TensorError(
                        operation: "load weights", shapes: [value.shape, parameter.shape],
                        reason: "'\(name)' has another shape than the network's")
                }
                try parameter.copy(from: value)
            }
        }
        forEachModule { $0.parametersDidChange() }
    }

    /// Called after ``load(_:)``: whatever was made from the old values must be dropped.
    open func parametersDidChange() {}

    /// SiLU. libtorch's exponential has other last bits where a thread's share of a tensor ends, so that for
    /// pictures, which are not to depend on the number of threads, there is one.
    public func silu(_ x: Tensor) throws -> Tensor {
        isTraining || x.device != .cpu ? try x.silu() : try Device.onOneThread { try x.silu() }
    }
}
