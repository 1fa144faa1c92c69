// swift-tools-version: 6.0
import Foundation
import PackageDescription

// libtorch is found by one rule: the folder named by the environment variable LIBTORCH
// if it is set, else `.deps/libtorch`, which `make deps` puts there. A wrong or missing
// folder is reported by Sources/TorchEngine/LibTorchCheck.h in one sentence.
let libtorch = Context.environment["LIBTORCH"] ?? "\(Context.packageDirectory)/.deps/libtorch"

let torchCxxFlags: [CXXSetting] = [
    .unsafeFlags([
        "-isystem\(libtorch)/include",
        "-isystem\(libtorch)/include/torch/csrc/api/include",
        "-Wno-deprecated-declarations",
    ])
]
// Without the libraries the compiler's sentence must be the only complaint, so the
// linker is given the folder only where it exists.
let torchLinkFlags: [LinkerSetting] = [
    .unsafeFlags([
        "-L\(libtorch)/lib",
        "-Xlinker", "-rpath", "-Xlinker", "\(libtorch)/lib",
        // What is missing is to be seen when the library is linked, not when it is opened, and
        // the kernels are the program's too: each uses its own.
        "-Xlinker", "-z", "-Xlinker", "defs", "-Xlinker", "-Bsymbolic-functions",
        // SwiftPM links C++ as if it were Swift, whose runtime would come a second time beside
        // the one that is linked into the program: Embedded Swift has none.
        "-enable-experimental-feature", "Embedded", "-no-toolchain-stdlib-rpath",
    ]),
    .linkedLibrary("torch_cpu"),
    .linkedLibrary("c10"),
]

let package = Package(
    name: "restore",
    products: [
        .executable(name: "restore", targets: ["restore"]),
        .library(
            name: "Restore",
            targets: [
                "SR3", "Deblur", "Degradation", "Diffusion", "Tensors", "ImageFiles", "Metrics", "Training",
                "Evaluation", "Reports", "Interchange",
            ]),
        // Parts by themselves, for the harnesses in Tests/Fuzzing and Benchmarks.
        .library(name: "ImageFiles", targets: ["ImageFiles"]),
        .library(name: "SR3", targets: ["SR3"]),
        .library(name: "Deblur", targets: ["Deblur"]),
        .library(name: "Training", targets: ["Training"]),
        // Opened by CTorch at run time. SwiftPM cannot be told that `restore` needs it: it must be
        // built besides, as plain `swift build` and Scripts/ do.
        .library(name: "restore-torch", type: .dynamic, targets: ["TorchEngine"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "3.12.0"),
    ],
    targets: [
        .target(
            name: "CTorch", cxxSettings: [.headerSearchPath("../TorchEngine/include")],
            linkerSettings: [.linkedLibrary("dl")]),
        .target(
            name: "TorchEngine", dependencies: ["CKernels"],
            cxxSettings: torchCxxFlags + [.headerSearchPath("../CTorch/include")],
            linkerSettings: torchLinkFlags),
        // Opens an MPI library at run time: nothing of MPI is needed to build.
        .target(name: "CMPI", linkerSettings: [.linkedLibrary("dl")]),
        .systemLibrary(
            name: "CLibPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(
            name: "CLibJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"])]),
        .systemLibrary(
            name: "CLibLCMS2", pkgConfig: "lcms2", providers: [.apt(["liblcms2-dev"])]),
        // zlib comes with libpng.
        .target(
            name: "CImageCodecs", dependencies: ["CLibPNG", "CLibJPEG", "CLibLCMS2"],
            linkerSettings: [.linkedLibrary("z")]),
        .target(name: "CKernels", linkerSettings: [.linkedLibrary("dl"), .linkedLibrary("m")]),
        .target(name: "Tensors", dependencies: ["CTorch", "CKernels"]),
        .target(name: "Parallel", dependencies: ["CMPI", "Tensors"]),
        .target(name: "ImageFiles", dependencies: ["CImageCodecs"]),
        .target(name: "ImageTensors", dependencies: ["Tensors", "ImageFiles"]),
        .target(name: "Diffusion", dependencies: ["Tensors"]),
        .target(name: "Degradation", dependencies: ["ImageTensors"]),
        .target(
            name: "SR3", dependencies: ["Diffusion", "ImageTensors"],
            resources: [.copy("Models")]),
        .target(
            name: "Deblur", dependencies: ["Diffusion", "Degradation"],
            resources: [.copy("Models")]),
        .target(
            name: "Interchange", dependencies: ["SR3", "Deblur"],
            resources: [.embedInCode("Python/restore_unet.py")]),
        .target(name: "Metrics", dependencies: ["ImageTensors"], resources: [.copy("Models")]),
        .target(
            name: "Training",
            dependencies: [
                "SR3", "Deblur", "Degradation", "Metrics", "Parallel",
                .product(name: "Yams", package: "Yams"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .target(
            name: "Evaluation",
            dependencies: ["Training", .product(name: "Crypto", package: "swift-crypto")]),
        .target(
            name: "Reports",
            resources: [.embedInCode("Page/style.css"), .embedInCode("Page/page.js")]),
        .executableTarget(
            name: "restore",
            dependencies: [
                "Evaluation", "Interchange", "Reports",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            // Swift's own libraries, where they could not be linked in.
            linkerSettings: [.unsafeFlags(["-Xlinker", "-rpath", "-Xlinker", "$ORIGIN/../lib/restore"])]),
        .target(name: "PythonReference", dependencies: ["Tensors"], path: "Tests/PythonReference"),
        .testTarget(
            name: "TensorsTests", dependencies: ["Tensors", "PythonReference"], exclude: ["Fixtures"]),
        .executableTarget(
            name: "parallel-check", dependencies: ["Training"], path: "Tests/ParallelCheck"),
        .testTarget(
            name: "ParallelTests", dependencies: ["Training", "ImageFiles", "MPILauncher", "parallel-check"]),
        .target(name: "MPILauncher", path: "Tests/MPILauncher"),
        .testTarget(name: "ImageFilesTests", dependencies: ["ImageFiles"]),
        .testTarget(name: "ImageTensorsTests", dependencies: ["ImageTensors"]),
        .testTarget(
            name: "DiffusionTests", dependencies: ["Diffusion", "PythonReference"], exclude: ["Fixtures"]),
        .testTarget(name: "DegradationTests", dependencies: ["Degradation"]),
        .testTarget(name: "SR3Tests", dependencies: ["SR3", "Metrics"]),
        .testTarget(
            name: "DeblurTests", dependencies: ["Deblur", "Degradation", "PythonReference"],
            exclude: ["Fixtures"]),
        .testTarget(
            name: "MetricsTests", dependencies: ["Metrics", "PythonReference"], exclude: ["Fixtures"]),
        .testTarget(
            name: "InterchangeTests", dependencies: ["Interchange", "PythonReference"], exclude: ["Fixtures"]),
        .testTarget(
            name: "TrainingTests", dependencies: ["Training", .product(name: "Yams", package: "Yams")],
            exclude: ["Fixtures"]),
        .testTarget(name: "ReportsTests", dependencies: ["Reports"], exclude: ["Fixtures"]),
        .testTarget(name: "EvaluationTests", dependencies: ["Evaluation"]),
        .testTarget(
            name: "CommandLineTests",
            dependencies: [
                "restore", "SR3", "Deblur", "ImageFiles", "Tensors", "PythonReference", "MPILauncher",
            ],
            exclude: ["Expected"]),
    ],
    cxxLanguageStandard: .cxx20
)
