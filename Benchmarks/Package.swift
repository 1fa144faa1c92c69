// swift-tools-version: 6.1
import PackageDescription

// What times and checks the parts of inference from Swift. A package of its own, because nobody who
// builds or uses `restore` needs the harness; what times whole commands beside PyTorch is in Python here.
let restorers: [Target.Dependency] = ["SR3", "Deblur", "ImageFiles", "restore-torch"].map {
    .product(name: $0, package: "restore")
}

let package = Package(
    name: "Benchmarks",
    dependencies: [
        .package(name: "restore", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        // Without its counting of allocations and references, which replaces the functions that it counts.
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "Parts",
            dependencies: restorers + [.product(name: "Benchmark", package: "benchmark")],
            path: "Benchmarks/Parts",
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
        ),
        .executableTarget(
            name: "Exactness",
            dependencies: restorers + [.product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Exactness"),
    ]
)
