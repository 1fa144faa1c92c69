import ImageFiles
import Parallel

/// Every input with what will happen to it, settled before a model is loaded and minutes are spent.
struct BatchPlan {
    /// In the order of the inputs.
    let entries: [BatchEntry]
    /// Whether more than one picture could have come.
    let isSeveral: Bool

    var jobs: [PictureJob] {
        entries.compactMap { if case .job(let job) = $0 { job } else { nil } }
    }

    /// The entries of a rank's jobs, so that all ranks have about as many pixels to restore.
    func share(of ranks: Communicator) -> [Int] {
        let progress = BatchProgress(jobs)
        let places = entries.indices.filter { if case .job = entries[$0] { true } else { false } }
        let owners = WorkShare.ranks(of: jobs.map(progress.weight), size: ranks.size)
        return zip(places, owners).filter { $0.1 == ranks.rank }.map(\.0)
    }

    /// What will happen, in words: ranks that see other files differ in it.
    var summary: String {
        entries.map { entry in
            switch entry {
            case .job(let job): "\(job.input.path) → \(job.output) \(job.format) \(job.input.pixels ?? 0)"
            case .skipped(let input, _, let reason): "\(input) \(reason)"
            case .failed(let input, _, let error): "\(input) \(error)"
            case .empty(let folder): folder
            }
        }.joined(separator: "\n")
    }

    /// - Parameter companions: other files that will be written, beside the outputs.
    /// - Throws: a usage error where an output would meet another output, another input or its own.
    init(
        _ inputs: InputList, naming: OutputNaming, existing: ExistingOutput?, companions: [String] = []
    ) throws {
        isSeveral = inputs.isSeveral
        let originals = naming.originals(
            of: inputs.items.compactMap { if case .picture(let input) = $0 { input } else { nil } })
        var seen: Set<[FileKey]> = []
        entries = try inputs.items.compactMap { item -> BatchEntry? in
            switch item {
            case .skipped(let input, let reason): return .skipped(input: input, output: nil, reason)
            case .failed(let input, let error): return .failed(input: input, output: nil, error)
            case .empty(let folder): return .empty(folder)
            case .picture(let input):
                let (output, format) = naming.output(for: input)
                if !input.isNamed {
                    // Folders and patterns may overlap.
                    guard seen.insert([FileKey(input.path), FileKey(output)]).inserted else { return nil }
                    if let original = originals[FileKey(input.path).withoutEnding], original != input.path {
                        return .skipped(input: input.path, output: nil, .earlierOutput(of: original))
                    }
                }
                return try Self.entry(for: input, output, format, naming: naming, existing: existing)
            }
        }
        try Self.requireDistinct(jobs, companions)
        for path in companions { try OutputCheck.writable(path) }
    }

    private static func entry(
        for input: InputPicture, _ output: String, _ format: ImageFormat, naming: OutputNaming,
        existing: ExistingOutput?
    ) throws -> BatchEntry {
        if output == PictureJob.standardOutput {
            return .job(PictureJob(input: input, output: output, format: format, replaces: false))
        }
        let old = FileStatus(output)
        if existing == .skipExisting, old?.isRegular == true {
            return .skipped(input: input.path, output: output, .exists(output: output))
        }
        if case .file = naming.destination {
            try OutputCheck.writable(output)
        } else {
            if existing != .overwrite, !input.isStandardInput, FileKey(input.path) == FileKey(output) {
                throw CommandError.usage("'\(input.path)' would replace itself: --overwrite allows that")
            }
            do { try OutputCheck.creatable(output) } catch {
                return .failed(input: input.path, output: output, error)
            }
        }
        return .job(
            PictureJob(input: input, output: output, format: format, replaces: old?.isRegular == true))
    }

    private static func requireDistinct(_ jobs: [PictureJob], _ companions: [String]) throws {
        var inputs: [FileKey: Int] = [:]
        for (index, job) in jobs.enumerated() where !job.input.isStandardInput {
            inputs[FileKey(job.input.path)] = index
        }
        var outputs: [FileKey: String] = [:]
        for (index, job) in jobs.enumerated() where job.output != PictureJob.standardOutput {
            let key = FileKey(job.output)
            if let other = inputs[key], other != index, FileKey(jobs[index].input.path) != key {
                throw CommandError.usage(
                    "the output '\(job.output)' of '\(job.input.path)' is itself an input: leave it out, or give the outputs another --suffix or --output"
                )
            }
            if let other = outputs.updateValue(job.input.path, forKey: key) {
                throw CommandError.usage(
                    "'\(job.output)' would be written twice, for '\(other)' and '\(job.input.path)': the outputs need names of their own"
                )
            }
        }
        for path in companions {
            let key = FileKey(path)
            if inputs[key] != nil { throw CommandError.usage("'\(path)' is the input: give it another name") }
            if outputs.updateValue(path, forKey: key) != nil {
                throw CommandError.usage(
                    "'\(path)' would be written twice: the outputs need names of their own")
            }
        }
    }
}
