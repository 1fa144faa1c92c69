import Evaluation
import Foundation
import Parallel
import Tensors
import Training

/// A model, what it is measured on and how: all that `eval` and `sweep` share.
struct EvaluationWork {
    let task: EvaluatedTask
    let modelPath: String
    let device: Device
    let ranks: Communicator
    let evaluator: any Evaluator
    let methods: [EvaluationMethod]
    let pairs: [(set: String, pair: EvaluationPair)]

    func model() throws -> EvaluationDocument.Model {
        let weights = try openWeights(modelPath)
        let card = weights.metadata
        let file = ((modelPath as NSString).lastPathComponent as NSString).deletingPathExtension
        return .init(name: card["name"] ?? file, sha256: try FileDigest.sha256(weights.paths))
    }

    /// The journal of these measurements: those of another program, model or protocol do not count.
    func journal(path: String?) throws -> EvaluationJournal {
        var identity = evaluator.conditions
        identity["model"] = try model().sha256
        if path != nil { identity["program"] = try Self.program() }
        identity["device"] = "\(device)"
        for metric in evaluator.metrics { identity[metric.name] = metric.protocolText }
        return try EvaluationJournal(path: path, identity: identity, rank: ranks.rank)
    }

    /// Measures what the journal does not hold, with a bar and the time left.
    ///
    /// - Parameter others: pairs instead of the work's own.
    func results(
        on others: [(set: String, pair: EvaluationPair)]? = nil, journal: EvaluationJournal,
        gallery: CropGallery?
    ) throws -> [EvaluationResult] {
        Interrupt.watch()
        Device.keepFreedMemory()
        let bar = ProgressBar(task == .superResolution ? "sr" : "deblur", quiet: !ranks.isRoot)
        defer { bar.finish() }
        let run = EvaluationRun(
            evaluator, journal: journal, gallery: gallery, ranks: ranks,
            isCancelled: { Interrupt.isRequested })
        do {
            return try run.results(others ?? pairs, methods: methods) {
                bar.update($0.done, of: $0.total, alreadyDone: $0.resumed)
            }
        } catch is CancellationError {
            // Every rank knows of it.
            throw SharedFailure(cause: interrupted(journal))
        }
    }

    private func interrupted(_ journal: EvaluationJournal) -> any Error {
        guard let path = journal.path else { return CancellationError() }
        return CommandError(
            status: 130,
            description: "interrupted; what was measured is in '\(path)', and the same command goes on")
    }

    /// SHA-256 of the program and of its tensor library, where `Sources/CTorch` looks for it: what another build
    /// measured may differ.
    private static func program() throws -> String {
        guard let path = Bundle.main.executablePath else { return "" }
        let library = ["", "../lib/restore/"].map { "\(path.folderOfPath)/\($0)librestore-torch.so" }
            .first { FileManager.default.fileExists(atPath: $0) }
        return try FileDigest.sha256([path] + (library.map { [$0] } ?? []))
    }

    func document(_ results: [EvaluationResult]) throws -> EvaluationDocument {
        EvaluationDocument(
            task: task, command: Self.command,
            versions: ["restore": Restore.version, "libtorch": libtorchVersion],
            machine: Self.machine(device), model: try model(), evaluator: evaluator, results: results)
    }

    /// The command as it was given, fit to be given again.
    static var command: String {
        let arguments = CommandLine.arguments.dropFirst().map { argument in
            let isPlain = argument.allSatisfy { $0.isLetter || $0.isNumber || "-_./,:=+%@".contains($0) }
            return isPlain && !argument.isEmpty
                ? argument : "'" + argument.replacingOccurrences(of: "'", with: "'\\''") + "'"
        }
        return (["restore"] + arguments).joined(separator: " ")
    }

    private static func machine(_ device: Device) -> [String: String] {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let name = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        let cpu = name?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces)
        return [
            "device": "\(device)", "cpu": cpu ?? "unknown",
            "cores": "\(ProcessInfo.processInfo.activeProcessorCount)",
        ]
    }
}
