/// A function of tensors on a CUDA device, without gradients, whose calls are written down once for tensors of the
/// same shapes and then replayed (``DeviceGraph``): a GPU is done with a network's layer sooner than a CPU has asked for
/// the next.
///
/// One set of shapes at a time is kept, since what is written down holds its memory: shapes that come three times in a
/// row take the place of others. So a batch of pictures is replayed, and of a picture in tiles those inside it.
public final class ReplayedFunction {
    /// Writes down what a function asks of a device: its result, and what asks for it again, into the same result.
    typealias Recorder = (Device, _ body: () throws -> Tensor) throws -> (
        output: Tensor, replay: () throws -> Void
    )

    private let function: ([Tensor]) throws -> Tensor
    private let recorder: Recorder
    private let isRecordable: (Device) -> Bool
    private var recorded: (inputs: [Tensor], shapes: [[Int]], output: Tensor, replay: () throws -> Void)?
    /// Shapes of the last calls that were not replayed, and how many these were.
    private var streak: (shapes: [[Int]], count: Int) = ([], 0)
    /// Why calls are not replayed where they should be; they are then made one by one.
    public private(set) var failure: String?

    /// So many calls in a row with the same shapes are made as they are: writing down takes as long as some of them.
    public static let plainCalls = 2

    public convenience init(_ function: @escaping ([Tensor]) throws -> Tensor) {
        self.init(function, isRecordable: \.isCUDA) { device, body in
            var output: Tensor?
            let graph = try DeviceGraph(device) { output = try body() }
            guard let output else { throw TensorError(operation: "graph", reason: "there is no result") }
            return (output, graph.replay)
        }
    }

    init(
        _ function: @escaping ([Tensor]) throws -> Tensor, isRecordable: @escaping (Device) -> Bool,
        recorder: @escaping Recorder
    ) {
        self.function = function
        self.isRecordable = isRecordable
        self.recorder = recorder
    }

    /// - Parameter inputs: on one device, without gradients.
    public func callAsFunction(_ inputs: [Tensor]) throws -> Tensor {
        guard failure == nil, let device = inputs.first?.device, isRecordable(device) else {
            return try function(inputs)
        }
        let shapes = inputs.map(\.shape)
        if recorded?.shapes != shapes {
            streak = (shapes, streak.shapes == shapes ? streak.count + 1 : 1)
            guard streak.count > Self.plainCalls else { return try function(inputs) }
            try record(inputs, shapes, on: device)
        }
        streak = ([], 0)
        guard let recorded else { return try function(inputs) }
        return try noGrad {
            for (place, input) in zip(recorded.inputs, inputs) { try place.copy(from: input) }
            try recorded.replay()
            // The next replay writes into the same memory.
            return try recorded.output.clone()
        }
    }

    private func record(_ inputs: [Tensor], _ shapes: [[Int]], on device: Device) throws {
        recorded = nil
        let places = try noGrad { try inputs.map { try $0.detach().clone() } }
        // As shapes come back, trying algorithms pays.
        Device.tryConvolutions(true)
        defer { Device.tryConvolutions(false) }
        _ = try noGrad { try function(places) }
        do {
            let made = try recorder(device) { try noGrad { try function(places) } }
            recorded = (places, shapes, made.output, made.replay)
        } catch let error as TensorError {
            failure = "\(error)"
        }
    }
}
