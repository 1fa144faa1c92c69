import ArgumentParser
import Evaluation
import Foundation
import Metrics
import Tensors
import Training

/// Whose features `fid` and `kid` compare.
enum FeatureChoice: String, CaseIterable, ExpressibleByArgument {
    /// The trunk of SFD.
    case squeezenet
    /// Trunks of torchvision.
    case alex, vgg

    var network: LPIPS.Network? { LPIPS.Network(rawValue: rawValue) }
}

/// Finds and loads the weights of metrics: files that were named, else metrics/ of the data folders.
struct MetricWeights {
    let roots: [String]
    let squeezenet: String?
    let niqeModel: String?
    let features: FeatureChoice
    private var trunks: [LPIPS.Network: String] = [:]
    private var heads: [LPIPS.Network: String] = [:]

    /// - Parameter files: trunks and heads of LPIPS, told apart by what is in them.
    init(files: [String], niqeModel: String?, features: FeatureChoice, from options: MeasuringOptions) throws
    {
        roots = options.roots
        squeezenet = options.squeezenetTrunk
        self.niqeModel = niqeModel
        self.features = features
        for path in files {
            let file = try openTensorFile(path)
            if let network = LPIPS.Network(trunkIn: file) {
                trunks[network] = path
            } else if let network = LPIPS.Network(headsIn: file) {
                heads[network] = path
            } else {
                throw CommandError(
                    status: EX_DATAERR,
                    description:
                        "'\(path)' holds neither AlexNet, VGG-16 or SqueezeNet 1.1 nor heads of LPIPS")
            }
        }
    }

    /// What is measured where nobody says: all that needs no weights, and SFD and NIQE where theirs
    /// are there.
    func defaultMetrics(hasReference: Bool, hasLR: Bool) -> [PictureMetric] {
        let found = PictureMetric.allCases.filter { metric in
            guard hasReference || !metric.needsReference else { return false }
            switch metric {
            case .sfd: return squeezenet != nil
            case .niqe: return niqePath != nil
            case .lrConsistency: return hasLR
            default: return metric.lpipsNetwork == nil && !metric.isOfSets
            }
        }
        // A picture alone without a model: loading says what is missing.
        return found.isEmpty ? [.niqe] : found
    }

    /// Loads what the metrics need.
    ///
    /// - Throws: ``CommandError`` saying what to download and where to put it.
    func load(for metrics: [PictureMetric]) throws -> PictureMeasurement.Weights {
        var weights = PictureMeasurement.Weights()
        for metric in metrics {
            switch metric {
            case .niqe:
                guard let path = niqePath else {
                    throw CommandError.missing(
                        "niqe needs a model: name one with --niqe-model, or make one with 'restore niqe-fit'")
                }
                weights.niqe = try NIQEModel(path: path)
            case .sfd:
                weights.squeezenet = try SqueezeNetFeatureDistance(path: requiredSqueezenet(metric))
            case .fid, .kid:
                weights.features =
                    try features.network.map { try PooledFeatures($0, path: trunk(of: $0, for: metric)) }
                    ?? PooledFeatures(squeezenet: requiredSqueezenet(metric))
            default:
                guard let network = metric.lpipsNetwork else { continue }
                weights.lpips[network] = try LPIPS(
                    network, trunk: trunk(of: network, for: metric), heads: heads(of: network, for: metric))
            }
        }
        return weights
    }

    // MARK: finding

    private var niqePath: String? { niqeModel ?? DataRoots.niqeModel(roots) }

    private func requiredSqueezenet(_ metric: PictureMetric) throws -> String {
        guard let squeezenet else {
            throw CommandError.missing(
                "\(metric.rawValue) needs the SqueezeNet 1.1 trunk of Caffe: convert it to safetensors with torchvision's names and name it with --squeezenet, or put it as squeezenet1_1_caffe_trunk.safetensors into metrics/ under --data"
            )
        }
        return squeezenet
    }

    private func trunk(of network: LPIPS.Network, for metric: PictureMetric) throws -> String {
        let file = network.trunkFile
        let converted = (file as NSString).deletingPathExtension + ".safetensors"
        guard let found = trunks[network] ?? DataRoots.metricsFile(file, converted, in: roots) else {
            let note =
                network.isTrunkOfOldFormat ? ", load and save it again in PyTorch (its format is old)" : ""
            throw CommandError.missing(
                "\(metric.rawValue) needs the weights of \(network.title): download \(network.trunkURL)\(note) and name it with --weights, or put it as \(file) into metrics/ under --data"
            )
        }
        return found
    }

    private func heads(of network: LPIPS.Network, for metric: PictureMetric) throws -> String {
        let converted = network.headsFile
        let file = (converted as NSString).deletingPathExtension + ".pth"
        guard let found = heads[network] ?? DataRoots.metricsFile(converted, file, in: roots) else {
            throw CommandError.missing(
                "\(metric.rawValue) needs the learned heads of LPIPS: download \(network.headsURL) and name it with --weights, or put it as \(file) into metrics/ under --data"
            )
        }
        return found
    }
}
