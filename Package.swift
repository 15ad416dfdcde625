// swift-tools-version:6.0
import PackageDescription

// Kernels are one source, built once per instruction set: the folders VecKernelsAVX2 and so on are symbolic links to
// VecKernelsBaseline. Each build gets its own `-march`; which one runs is chosen at run time (VecKernels).
// -Ounchecked and whole-module hold in debug builds too: a kernel that is not inlined into itself is some hundred times
// slower, and could share code with the build for another instruction set.
let kernelFlags = ["-Ounchecked", "-wmo", "-num-threads", "2"]

func kernelTarget(_ suffix: String, clang: [String]) -> Target {
    .target(
        name: "VecKernels" + suffix,
        dependencies: ["VecKernelTypes", "CVecShims"],
        swiftSettings: [.unsafeFlags(kernelFlags + clang.flatMap { ["-Xcc", $0] })])
}

// Sanitizers run no tests of kernels, and find in what calls them the same with two sets as with five. The Swift API is a thin face of
// modules that they have.
let isSanitizing = Context.environment["VECSTORE_SANITIZING"] == "1"

#if arch(x86_64)
let kernelTargets: [Target] = [
    kernelTarget("Baseline", clang: ["-march=x86-64"]),
    kernelTarget("AVX2", clang: ["-march=haswell"]),
] + (isSanitizing ? [] : [
    kernelTarget("AVX512", clang: ["-march=skylake-avx512"]),
    kernelTarget("AVX512VNNI", clang: ["-march=icelake-server"]),
    kernelTarget("AVX512BF16", clang: ["-march=icelake-server", "-mavx512bf16"]),
])
#else
let kernelTargets: [Target] = [
    kernelTarget("Baseline", clang: []),
]
#endif

let kernelNames: [Target.Dependency] = kernelTargets.map { .target(name: $0.name) }

let package = Package(
    name: "vecstore",
    products: [
        // The C library: `make` links it with a static Swift runtime, a version script and a SONAME.
        .library(name: "vecstore", type: .dynamic, targets: ["VecStoreABI"]),
        // The Swift library, for Swift packages.
        .library(name: "VecStore", targets: ["VecStore"]),
        .executable(name: "vecstore-kernel-bench", targets: ["VecKernelBench"]),
        // Runs the checks of the kernels where there is no test runner: under an emulator of another processor.
        .executable(name: "vecstore-kernel-check", targets: ["VecKernelCheck"]),
    ],
    targets: [
        .target(name: "CVecStore"),
        .target(name: "CVecShims"),
        .systemLibrary(name: "CBLAS", providers: [.apt(["libblas-dev"])]),
        .systemLibrary(name: "CLAPACK", providers: [.apt(["liblapack-dev"])]),
        .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CJansson", providers: [.apt(["libjansson-dev"])]),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .target(name: "VecKernelTypes", dependencies: ["CVecShims"]),
    ] + kernelTargets + [
        .target(
            name: "VecKernels", dependencies: kernelNames + ["VecKernelTypes", "CVecShims"],
            swiftSettings: isSanitizing ? [.define("FEW_KERNELS")] : []),
        .target(name: "VecIndex", dependencies: ["VecKernels", "VecKernelTypes", "CVecShims", "CBLAS", "CLAPACK"],
            swiftSettings: [.unsafeFlags(["-O"])]),
        .target(
            name: "VecCollection",
            dependencies: ["VecIndex", "VecKernels", "VecKernelTypes", "CVecShims", "CSQLite", "CJansson"],
            swiftSettings: [.unsafeFlags(["-O"])]),
        .target(
            name: "VecCache",
            dependencies: ["VecCollection", "VecIndex", "VecKernels", "VecKernelTypes", "CVecShims", "CHiredis"],
            swiftSettings: [.unsafeFlags(["-O"])]),
        .target(
            name: "VecStoreABI",
            dependencies: ["VecCache", "VecCollection", "VecIndex", "VecKernels", "VecKernelTypes", "CVecStore", "CVecShims"]),
        .target(name: "VecStore", dependencies: ["VecCache", "VecCollection", "VecIndex", "VecKernels", "VecKernelTypes"]),
        // Optimised in debug builds too: it computes every distance twice.
        .target(
            name: "VecKernelSuite", dependencies: ["VecKernelTypes"],
            swiftSettings: [.unsafeFlags(["-O"]), .enableUpcomingFeature("InternalImportsByDefault")]),
        .executableTarget(
            name: "VecKernelBench", dependencies: ["VecIndex", "VecKernels", "VecKernelTypes", "CVecShims"]),
        .executableTarget(name: "VecKernelCheck", dependencies: ["VecKernelSuite", "VecKernels", "VecKernelTypes"]),
        .testTarget(
            name: "VecKernelsTests", dependencies: ["VecKernelSuite", "VecKernels", "VecKernelTypes", "VecKernelCheck"]),
        .target(name: "TestSupport", path: "Tests/TestSupport"),
        // Optimised in debug builds too: it compares every row in double precision.
        .target(
            name: "VecIndexReference", dependencies: ["TestSupport", "VecKernelTypes"], path: "Tests/VecIndexReference",
            swiftSettings: [.unsafeFlags(["-O"])]),
        .testTarget(
            name: "VecIndexTests",
            dependencies: [
                "TestSupport", "VecIndexReference", "VecIndex", "VecKernels", "VecKernelTypes", "VecStoreABI", "CVecStore",
                "CVecShims",
            ]),
        .testTarget(
            name: "VecCollectionTests",
            dependencies: ["TestSupport", "VecCollection", "VecIndex", "VecKernelTypes", "CSQLite"]),
        .testTarget(
            name: "VecCacheTests",
            dependencies: ["TestSupport", "VecCache", "VecCollection", "VecIndex", "VecKernelTypes"]),
        .testTarget(name: "VecStoreABITests", dependencies: ["VecStoreABI", "CVecStore"]),
        .testTarget(name: "VecStoreTests", dependencies: ["TestSupport", "VecStore"]),
    ],
    swiftLanguageModes: [.v6]
)

if isSanitizing {
    let left = ["VecKernelSuite", "VecKernelBench", "VecKernelCheck", "VecKernelsTests", "VecStore", "VecStoreTests"]
    package.targets.removeAll { left.contains($0.name) }
    package.products.removeAll { $0.name.hasPrefix("vecstore-kernel") || $0.name == "VecStore" }
}
