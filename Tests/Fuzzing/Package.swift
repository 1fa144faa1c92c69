// swift-tools-version: 6.0
import PackageDescription

// Harnesses of the readers written in Swift. They have a package of their own because libFuzzer brings
// `main`, and because everything they call is built with sanitizers; see README.md.
let settings: [SwiftSetting] = [.unsafeFlags(["-parse-as-library"])]

let package = Package(
    name: "Fuzzing",
    dependencies: [.package(name: "restore", path: "../..")],
    targets: [
        .target(name: "CLibFuzzer"),
        // A link to Sources/Tensors/Files without the part that needs libtorch.
        .target(name: "TensorFiles", exclude: ["SafetensorsShards.swift", "TensorFile.swift"]),
        .executableTarget(
            name: "MetadataFuzzer", dependencies: [.product(name: "ImageFiles", package: "restore")],
            swiftSettings: settings),
        .executableTarget(
            name: "SafetensorsFuzzer", dependencies: ["CLibFuzzer", "TensorFiles"], swiftSettings: settings),
        .executableTarget(
            name: "CheckpointFuzzer", dependencies: ["TensorFiles"], swiftSettings: settings),
        .executableTarget(
            name: "RecipeFuzzer",
            dependencies: [.product(name: "Training", package: "restore")],
            swiftSettings: settings),
    ]
)
