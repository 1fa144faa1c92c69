import Deblur
import Diffusion
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

    private var recipe: Recipe? { file.metadata["recipe"].flatMap { try? Recipe(yaml: $0, path: path) } }

    /// The data sets that the weights have learnt from, as far as the file tells.
    var trainingSets: [String] {
        let own =
            isCheckpoint ? recipe?.data.allSets ?? [] : ModelCard.sets(in: file.metadata[ModelCard.setsKey])
        return own.withFurther(ModelCard.sets(in: file.metadata[Checkpoint.originSetsKey]))
    }

    /// For the model's card.
    var description: String {
        let name = file.metadata["name"] ?? recipe?.name ?? ((path as NSString).lastPathComponent)
        let steps = file.metadata["step"] ?? file.metadata["steps"]
        return steps.map { "\(name) after \($0) steps" } ?? name
    }

    /// Copies the weights in. A network can begin with a narrower one, and one that has more inputs or outputs with
    /// one that has fewer: what the old channels see of the new ones begins with 0, hence predictions are at first
    /// those of the other, while the new channels begin as the recipe's seed made them.
    ///
    /// A network for kernels begins as the seed made it where there was none.
    ///
    /// Source: Chen et al., "Net2Net: accelerating learning via knowledge transfer", 2016, for the idea; there, new
    /// channels are copies of old ones.
    ///
    /// - Throws: ``DataError`` naming the first weight that is missing, or of another shape and not narrower in a
    ///   network without concatenation, attention and normalisation.
    func load(into network: Module) throws {
        let prefix = isCheckpoint ? "model." : ""
        var canBeNarrower = true
        network.forEachModule { module in
            if let network = module as? UNet, !network.configuration.widensAtTheEnd { canBeNarrower = false }
        }
        let names = Set(file.names)
        let made = Dictionary(uniqueKeysWithValues: network.parameters.map { ($0.name, $0.value) })
        do {
            try network.load { name in
                if PredictAndRefine.isOfKernels(name), !names.contains(prefix + name) { return made[name] }
                guard let value = try file.tensor(prefix + name), let wide = made[name],
                    canBeNarrower || PredictAndRefine.isWidenedByDeconvolution(name)
                else { return try file.tensor(prefix + name) }
                return try value.widened(in: wide)
            }
        } catch let error as TensorError {
            throw DataError("a run cannot be continued from '\(path)': \(error.reason)")
        }
    }

    /// Copies EMA and optimiser state in as far as they are there.
    ///
    /// - Returns: whether the optimiser's state was; without, its rate is warmed up again.
    func load(ema: EMA, optimizer: RunOptimizer) throws -> Bool {
        guard isCheckpoint, let updates = file.metadata["ema_updates"].flatMap(Int.init),
            try ema.averages.allSatisfy({ try file.tensor("ema.\($0.name)")?.shape == $0.value.shape })
        else { return false }
        try ema.load({ try file.tensor("ema.\($0)") }, updates: updates)
        let names = Set(file.names)
        guard optimizer.state.allSatisfy({ names.contains("optimizer.\($0.name)") }) else { return false }
        try optimizer.load { try file.tensor("optimizer.\($0)") }
        return true
    }
}

extension UNetConfiguration {
    /// Whether the channels of each layer of such a network are the first of those of a wider one: nothing is
    /// concatenated, split or normalised between them.
    fileprivate var widensAtTheEnd: Bool {
        skipConnections == .added && norm == .none && levelConditioning != .affine && attentionLevels.isEmpty
            && middleAttention != .once
    }
}

extension Tensor {
    /// Of a wider layer's weights (outputs×inputs…) those of a narrower one, as `self` is, in place of their first
    /// outputs; these see nothing of further inputs. As it is where it is larger or of another rank.
    fileprivate func widened(in wide: Tensor) throws -> Tensor {
        let sides = wide.shape
        guard rank > 0, rank == sides.count, zip(shape, sides).allSatisfy({ $0 <= $1 }), shape != sides
        else { return self }
        let result = try wide.detach().to(.cpu).clone()
        var part = try result.narrowed(0, start: 0, count: shape[0])
        try part.fillZero()
        for (dim, count) in shape.enumerated().dropFirst() {
            part = try part.narrowed(dim, start: 0, count: count)
        }
        try part.copy(from: self)
        return result
    }
}
