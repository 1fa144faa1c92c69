import Deblur
import Degradation
import Foundation
import SR3

/// The whole truth of a training run, read from YAML: data, degradation, network, schedule,
/// objective, optimiser, budget.
public struct Recipe: Sendable, Decodable, Equatable {
    /// The model's name, for example `sr3-x4`.
    public var name: String
    public var description: String
    /// Under what terms the weights may be used; kept in the model's card.
    public var licence: String?
    public var seed: UInt64
    public var data: DataSettings
    /// The task with its model.
    public var task: Task
    public var objective: ObjectiveSettings
    public var optimizer: OptimizerSettings
    public var budget: Budget

    /// What is trained: `task` names it, `model` and `degradation` describe it.
    public enum Task: Sendable, Equatable {
        /// Without a degradation LR pictures are made by antialiased bicubic.
        case sr3(SR3Configuration, SecondOrderDegradation?)
        case deblur(DeblurConfiguration, BlurDegradation)

        /// As recipes write it.
        public var name: String {
            switch self {
            case .sr3: "sr3"
            case .deblur: "deblur"
            }
        }

        /// Whether a network leaves out features by chance while it is trained.
        var hasDropout: Bool {
            switch self {
            case .sr3(let model, _): model.network.dropout > 0
            case .deblur(let model, _): model.predictor.dropout > 0 || model.denoiser.dropout > 0
            }
        }
    }

    private enum CodingKeys: String, CodingKey {
        case name, description, licence, task, seed, data, model, degradation, objective, optimizer, budget
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        name = try values.decode(String.self, forKey: .name)
        description = try values.decode(String.self, forKey: .description)
        licence = try values.decodeIfPresent(String.self, forKey: .licence)
        seed = try values.decode(UInt64.self, forKey: .seed)
        data = try values.decode(DataSettings.self, forKey: .data)
        switch try values.decode(String.self, forKey: .task) {
        case "sr3":
            task = .sr3(
                try values.decode(SR3Configuration.self, forKey: .model),
                try values.decodeIfPresent(SecondOrderDegradation.self, forKey: .degradation))
        case "deblur":
            task = .deblur(
                try values.decode(DeblurConfiguration.self, forKey: .model),
                try values.decode(BlurDegradation.self, forKey: .degradation))
        case let other: throw DataError("'\(other)' is not a task: use sr3 or deblur")
        }
        objective = try values.decode(ObjectiveSettings.self, forKey: .objective)
        optimizer = try values.decode(OptimizerSettings.self, forKey: .optimizer)
        budget = try values.decode(Budget.self, forKey: .budget)
    }

    /// - Throws: ``RecipeError`` naming the file, and the line of what is wrong in it.
    public init(path: String) throws { self = try ResolvedRecipe(path: path).recipe }

    /// - Parameter path: the file's name, for messages.
    public init(yaml: String, path: String) throws {
        self = try ResolvedRecipe(yaml: yaml, path: path).recipe
    }

    /// Whether two texts say the same, comments and layout aside.
    ///
    /// - Parameter ignoresBudget: whether it may be another one.
    public static func saysTheSame(_ text: String, _ other: String, ignoresBudget: Bool = false) -> Bool {
        if text == other { return true }
        guard var one = try? Recipe(yaml: text, path: ""), let two = try? Recipe(yaml: other, path: "")
        else { return false }
        if ignoresBudget { one.budget = two.budget }
        return one == two
    }

    /// What ``RecipeSchema`` does not say: values that must go together.
    func validate() throws(RecipeProblem) {
        func check(_ condition: Bool, _ path: String, _ reason: String) throws(RecipeProblem) {
            guard !condition else { return }
            throw RecipeProblem(
                reason: "\(path) \(reason)", path: path.split(separator: ".").map(String.init))
        }
        try check(
            objective.perceptual == nil || data.patchSize >= PerceptualLoss.minimumSide, "data.patchSize",
            "must be at least \(PerceptualLoss.minimumSide) with objective.perceptual")
        try check(
            objective.perceptual?.adversarial == nil || data.patchSize % Critic.detailReduction == 0,
            "data.patchSize",
            "must be a multiple of \(Critic.detailReduction) with objective.perceptual.adversarial")
        // Each rank and each turn then look at as many pictures.
        let every = objective.perceptual?.every ?? 1
        let group = optimizer.accumulation * every
        try check(
            every == 1 || optimizer.batchSize % group == 0, "optimizer.batchSize",
            "must be a multiple of \(group), which is optimizer.accumulation times objective.perceptual.every"
        )
        switch task {
        case .sr3(let model, _):
            try check(
                data.patchSize % (model.scale * model.network.patchSize) == 0, "data.patchSize",
                "must be a multiple of scale × network.patchSize")
        case .deblur(let model, _):
            try check(
                (data.kernelEstimates != nil) == (model.deconvolution != nil), "data.kernelEstimates",
                "goes with model.deconvolution, and that with it")
            try check(
                objective.learns != .kernels || model.deconvolution?.network != nil, "objective.learns",
                "can be kernels only with model.deconvolution.network, which is what learns then")
            try check(
                data.searchModel == nil || objective.learns == .kernels, "data.searchModel",
                "goes with objective.learns kernels")
            try check(
                (data.lightShare ?? 0) == 0 || (model.deconvolution != nil && objective.learns != .kernels),
                "data.lightShare", "goes with model.deconvolution, and not with objective.learns kernels")
            try check(
                (data.largeKernelEstimates ?? 0) == 0 || objective.learns == .kernels,
                "data.largeKernelEstimates", "goes with objective.learns kernels")
            try check(
                objective.perceptual == nil || (objective.reconstructionWeight ?? 0) > 0,
                "objective.reconstructionWeight",
                "must be above 0 with objective.perceptual, of which the predictor learns nothing")
            try check(
                data.frames != nil || (data.framesShare ?? 0) == 0, "data.framesShare",
                "needs data.frames, which names the frames")
            try check(
                data.frameCounts.map { !FrameSequence.counts(in: $0).isEmpty } ?? true, "data.frameCounts",
                "must have an odd number within it")
        }
    }
}
