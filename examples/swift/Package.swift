// swift-tools-version:6.0
// The Swift examples: a package that depends on the VecStore library of this repository by path.
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let package = Package(
    name: "vecstore-example",
    dependencies: [.package(name: "vecstore", path: "../..")],
    targets: [
        .target(name: "Packages"),
        .executableTarget(name: "demo", dependencies: ["Packages", .product(name: "VecStore", package: "vecstore")]),
        .executableTarget(name: "points", dependencies: ["Packages", .product(name: "VecStore", package: "vecstore")]),
        .executableTarget(name: "cache", dependencies: ["Packages", .product(name: "VecStore", package: "vecstore")]),
    ],
    swiftLanguageModes: [.v6]
)
