/// A function of tensors on a CUDA device, without gradients, whose calls are written down once for tensors of the
/// same shapes and then replayed (``DeviceGraph``): a GPU is done with a network's layer sooner than a CPU has asked for
/// the next.
public final class ReplayedFunction {
    private let function: ([Tensor]) throws -> Tensor
    private var shapes: [[Int]] = []
    private var callsOfShapes = 0
    private var recorded: (inputs: [Tensor], output: Tensor, graph: DeviceGraph)?
    /// Why calls are not replayed where they should be; they are then made one by one.
    public private(set) var failure: String?

    /// So many calls with the same shapes are made as they are: writing down takes as long as some of them.
    public static let plainCalls = 2

    public init(_ function: @escaping ([Tensor]) throws -> Tensor) { self.function = function }

    /// - Parameter inputs: on a CUDA device, without gradients.
    public func callAsFunction(_ inputs: [Tensor]) throws -> Tensor {
        guard failure == nil, let device = inputs.first?.device, device.isCUDA else {
            return try function(inputs)
        }
        let found = inputs.map(\.shape)
        if found != shapes {
            recorded = nil
            (shapes, callsOfShapes) = (found, 0)
        }
        if recorded == nil {
            callsOfShapes += 1
            guard callsOfShapes > Self.plainCalls else { return try function(inputs) }
            try record(inputs, on: device)
        }
        guard let recorded else { return try function(inputs) }
        return try noGrad {
            for (place, input) in zip(recorded.inputs, inputs) { try place.copy(from: input) }
            try recorded.graph.replay()
            // The next replay writes into the same memory.
            return try recorded.output.clone()
        }
    }

    private func record(_ inputs: [Tensor], on device: Device) throws {
        let places = try noGrad { try inputs.map { try $0.detach().clone() } }
        // As shapes come back, trying algorithms pays.
        Device.tryConvolutions(true)
        defer { Device.tryConvolutions(false) }
        _ = try noGrad { try function(places) }
        do {
            var output: Tensor?
            let graph = try DeviceGraph(device) { output = try noGrad { try self.function(places) } }
            if let output { recorded = (places, output, graph) }
        } catch let error as TensorError {
            failure = "\(error)"
        }
    }
}
