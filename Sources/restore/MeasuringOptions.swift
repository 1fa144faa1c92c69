import ArgumentParser

/// What the commands that measure have in common: where the weights of metrics lie, and a file for
/// the numbers.
struct MeasuringOptions: ParsableArguments {
    @Option(
        help: "Where sets and metrics/ lie (repeat for more folders; default: RESTORE_DATA).",
        completion: .directory)
    var data: [String] = []

    @Option(
        help:
            "SqueezeNet trunk for SFD (default: metrics/squeezenet1_1_caffe_trunk.safetensors under --data).")
    var squeezenet: String?

    @Option(help: "Also write every picture's numbers to this CSV file.")
    var csv: String?

    /// The folders of data: what the flags say, else RESTORE_DATA.
    var roots: [String] { DataRoots.resolved(data) }

    /// The SqueezeNet trunk for SFD, as given or as found; nil where there is none.
    var squeezenetTrunk: String? { squeezenet ?? DataRoots.squeezenet(roots) }
}
