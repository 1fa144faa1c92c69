import Deblur
import Foundation
import Tensors

/// Where a run's first weights come from, when not from the recipe's seed: another run, or a model file.
///
/// The network's weights must all be there. What else a checkpoint holds is taken where it fits: the EMA,
/// and the optimiser's state if it is of the same optimiser. Steps and budget are counted anew.
struct StartingPoint {
    private let path: String
    private let file: any WeightsFile
    private let isCheckpoint: Bool

    /// - Parameter path: a run's folder, a checkpoint or a model file.
    init(_ path: String) throws {
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        self.path = exists && isFolder.boolValue ? Checkpoint.path(in: path) : path
        file = try openWeights(self.path)
        isCheckpoint = file.metadata["format"] == Checkpoint.format
    }

    /// For the model's card.
    var description: String {
        let recipe = file.metadata["recipe"].flatMap { try? Recipe(yaml: $0, path: path) }
        let name = file.metadata["name"] ?? recipe?.name ?? ((path as NSString).lastPathComponent)
        let steps = file.metadata["step"] ?? file.metadata["steps"]
        return steps.map { "\(name) after \($0) steps" } ?? name
    }

    /// Copies the weights in. A deblurrer that sees deconvolved pictures can begin with one that does not:
    /// what it has besides begins with 0, and its predictions with the other's.
    ///
    /// - Throws: ``DataError`` naming the first weight that is missing or of another shape.
    func load(into network: Module) throws {
        let prefix = isCheckpoint ? "model." : ""
        let shapes = Dictionary(uniqueKeysWithValues: network.parameters.map { ($0.name, $0.value.shape) })
        do {
            try network.load { name in
                guard let value = try file.tensor(prefix + name), let shape = shapes[name],
                    network is PredictAndRefine, PredictAndRefine.isWidenedByDeconvolution(name)
                else { return try file.tensor(prefix + name) }
                return try value.padded(to: shape)
            }
        } catch let error as TensorError {
            throw DataError("a run cannot be continued from '\(path)': \(error.reason)")
        }
    }

    /// Copies EMA and optimiser state in as far as they are there.
    ///
    /// - Returns: whether the optimiser's state was; without, its rate is warmed up again.
    func load(ema: EMA, optimizer: RunOptimizer) throws -> Bool {
        guard isCheckpoint, let updates = file.metadata["ema_updates"].flatMap(Int.init) else { return false }
        try ema.load({ try file.tensor("ema.\($0)") }, updates: updates)
        let names = Set(file.names)
        guard optimizer.state.allSatisfy({ names.contains("optimizer.\($0.name)") }) else { return false }
        try optimizer.load { try file.tensor("optimizer.\($0)") }
        return true
    }
}

extension Tensor {
    /// With zeros after what there is, up to that shape; as it is where it is larger or of another rank.
    fileprivate func padded(to shape: [Int]) throws -> Tensor {
        guard rank == shape.count, zip(self.shape, shape).allSatisfy({ $0 <= $1 }), self.shape != shape
        else { return self }
        let result = try Tensor.zeros(shape, dtype: dtype)
        var part = result
        for (dim, count) in self.shape.enumerated() { part = try part.narrowed(dim, start: 0, count: count) }
        try part.copy(from: self)
        return result
    }
}
