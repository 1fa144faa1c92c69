import Diffusion
import Tensors

/// How a published network is laid out, and where its state dictionary keeps the parts of ours.
protocol PublishedLayout {
    var configuration: UNetConfiguration { get }
    /// Names within a block: ours, theirs.
    var blockNames: [(ours: String, theirs: String)] { get }
    /// Names of the rest: ours, theirs.
    var otherNames: [(ours: String, theirs: String)] { get }
    /// Names beside the network that a file may have as well.
    var neighbours: [String] { get }
    /// Where the state dictionary has a block or a change of size.
    func name(of part: NetworkPart) -> String
    /// Takes over the attention after a block.
    func transcribeAttention(after part: NetworkPart, _ transcript: NetworkTranscript) throws
    /// Brings into our order what cannot be copied as it is.
    func finish(_ transcript: NetworkTranscript) throws
}

extension PublishedLayout {
    /// A network of ours with the published weights.
    ///
    /// - Throws: ``TensorFileError`` naming the first tensor that is missing, of another shape, not finite
    ///   or without a place; ``NetworkError`` where there can be no such network.
    func network(_ state: PublishedState) throws -> UNet {
        let network = try UNet(configuration)
        let transcript = NetworkTranscript(network, state)
        for (ours, theirs) in otherNames { try transcript.copy(theirs, to: ours) }
        for part in NetworkPart.all(configuration) {
            let name = name(of: part)
            if part.isResize {
                try transcript.copy(name, to: part.name)
                continue
            }
            for (ours, theirs) in blockNames {
                try transcript.copy("\(name).\(theirs)", to: "\(part.name).\(ours)")
            }
            if transcript.hasLayer("\(part.name)_attention.qkv") {
                try transcribeAttention(after: part, transcript)
            }
        }
        try finish(transcript)
        try state.checkAllUsed(neighbours: neighbours)
        try network.load { transcript.weights[$0] }
        return network
    }
}
