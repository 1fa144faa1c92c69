import Deblur
import SR3
import Tensors

/// Makes a model file of a run, with the sampling defaults its recipe has now.
public enum ModelExport {
    /// - Parameters:
    ///   - path: the recipe's file, for messages.
    ///   - text: the recipe as it was read; it becomes part of the card.
    ///   - run: the run's folder.
    /// - Throws: ``DataError`` when the run was made with another network, target or schedule.
    public static func write(_ recipe: Recipe, path: String, text: String, run: String, to output: String)
        throws
    {
        let weights = "\(run)/\(recipe.name).safetensors"
        func card(_ metadata: [String: String]) -> [String: String] {
            var card = metadata
            card["recipe"] = text
            card["name"] = recipe.name
            card["description"] = recipe.description
            card["licence"] = recipe.licence
            return card
        }
        let differs = DataError(
            "the run '\(run)' was made by a recipe with another network, target or schedule than '\(path)'"
        )
        switch recipe.task {
        case .sr3(let configuration, _):
            let trained = try SR3Model.load(weights)
            var expected = configuration
            expected.sampling = trained.configuration.sampling
            expected.consistency = trained.configuration.consistency
            guard expected == trained.configuration else { throw differs }
            try SR3Model.save(
                trained.network.parameters, configuration: configuration, metadata: card(trained.metadata),
                to: output)
        case .deblur(let configuration, _):
            let trained = try DeblurModel.load(weights)
            var expected = configuration
            expected.sampling = trained.configuration.sampling
            expected.perception = trained.configuration.perception
            guard expected == trained.configuration else { throw differs }
            try DeblurModel.save(
                trained.networks.parameters, configuration: configuration,
                metadata: card(trained.metadata), to: output)
        }
    }
}
