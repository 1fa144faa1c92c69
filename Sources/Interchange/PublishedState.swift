import Diffusion
import Tensors

/// The state dictionary of a published network, of which every tensor must be found, sound and used.
final class PublishedState {
    private let file: any TensorFile
    /// What stands before the network's own names, with its dot; empty for none.
    let prefix: String
    /// Whether the user chose the network: the file's others are then left alone.
    private let isChosen: Bool
    private var used: Set<String> = []

    var path: String { file.path }

    /// - Parameters:
    ///   - marker: a name that every network of the layout has, and no other.
    ///   - prefix: which network to take, where the file has several.
    /// - Returns: nil where the file has no network of the layout.
    init?(_ file: any TensorFile, marker: String, prefix: String?) throws {
        let found = file.names.filter { $0 == marker || $0.hasSuffix("." + marker) }
            .map { String($0.dropLast(marker.count)) }
        guard let first = found.first else { return nil }
        self.file = file
        isChosen = prefix != nil
        if let prefix {
            self.prefix = prefix.isEmpty || prefix.hasSuffix(".") ? prefix : prefix + "."
            guard found.contains(self.prefix) else {
                throw TensorFileError(
                    unsupported: file.path,
                    reason:
                        "it has no network below '\(prefix)'; its networks' prefixes are \(Self.listed(found))"
                )
            }
        } else {
            guard found.count == 1 else {
                throw TensorFileError(
                    unsupported: file.path,
                    reason: "it holds several networks; --prefix chooses one of \(Self.listed(found))")
            }
            self.prefix = first
        }
    }

    private static func listed(_ prefixes: [String]) -> String {
        prefixes.map { "'\($0)'" }.joined(separator: ", ")
    }

    /// Whether the network has any tensor whose name begins so.
    func contains(below name: String) -> Bool { file.names.contains { $0.hasPrefix(prefix + name) } }

    /// Outputs and inputs of a convolution or linear layer: the first two extents of its weight.
    ///
    /// - Throws: ``TensorFileError`` where it is missing or no weight of a layer.
    func extents(_ name: String) throws -> (outputs: Int, inputs: Int) {
        let name = prefix + name
        let shape = try file.requiredEntry(name).shape
        guard shape.count == 2 || shape.count == 4, !shape.contains(0) else {
            throw TensorFileError(
                unsupported: path, reason: "its tensor '\(name)' of shape \(shape) is no layer's weight")
        }
        return (shape[0], shape[1])
    }

    /// A tensor in float32.
    ///
    /// - Throws: ``TensorFileError`` where it is missing, of another shape, or not finite.
    func tensor(_ name: String, shape: [Int]) throws -> Tensor {
        let name = prefix + name
        let value = try file.tensor(name, shape: shape).to(.float32)
        guard try value.isFinite() else {
            throw TensorFileError(unsupported: path, reason: "its tensor '\(name)' contains NaN or infinity")
        }
        used.insert(name)
        return value
    }

    /// A one-dimensional tensor that stands beside the network; nil where there is none.
    func neighbour(_ name: String) throws -> [Double]? {
        let name = outer + name
        guard let shape = file.entry(name)?.shape, shape.count == 1 else { return nil }
        return try file.tensor(name, shape: shape).doubles()
    }

    /// The prefix of what the network is a part of.
    private var outer: String {
        let end = prefix.dropLast().lastIndex(of: ".")
        return end.map { String(prefix[...$0]) } ?? ""
    }

    /// Refuses a file with tensors that were not used.
    ///
    /// - Parameter neighbours: names beside the network that may be there.
    func checkAllUsed(neighbours: [String] = []) throws {
        let known = used.union(neighbours.map { outer + $0 })
        try file.requireOnly { known.contains($0) || (isChosen && !$0.hasPrefix(prefix)) }
    }
}
