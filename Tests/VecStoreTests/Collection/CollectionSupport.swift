// A collection for tests of the Swift interface: nine points whose places, sections and texts are known.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import VecStore

/// What the points of the tests carry.
struct Package: Codable, Equatable {
    var section: String
    var size: Int
    var text: String
    var tags: [String]?
    var at: Date?
}

enum TestPoints {
    /// Points 1 to 9 at (n, 0), odd ones in section "net", even ones in "doc".
    static func packages() -> [(id: PointID, vector: [Float], package: Package)] {
        (1...9).map { n in
            let text = n % 3 == 0 ? "a mail server" : n % 3 == 1 ? "a web server" : "documents for all"
            let package = Package(section: n % 2 == 1 ? "net" : "doc", size: 10 * n, text: text)
            return (PointID(UInt64(n)), [Float(n), 0], package)
        }
    }
}

/// Calls `body` with the path of a directory that is not there.
func withDirectory(_ body: (String) throws -> Void) throws {
    let directory = try TemporaryDirectory()
    try withExtendedLifetime(directory) { try body(directory.path("points")) }
}

/// Calls `body` with an empty collection of vectors with two elements.
func withCollection(metric: Metric = .l2Squared, _ body: (PointCollection) throws -> Void) throws {
    try withDirectory { path in
        let points = try PointCollection(creating: path, dimension: 2, metric: metric)
        try body(points)
        try points.close()
    }
}

/// Calls `body` with a collection of the nine points.
func withPackages(_ body: (PointCollection) throws -> Void) throws {
    try withCollection { points in
        let packages = TestPoints.packages()
        try points.upsert(
            packages.map(\.id), packages.map(\.vector), payloads: packages.map { try Payload($0.package) })
        try body(points)
    }
}

extension [PointCollection.Hit] {
    var ids: [PointID] { map(\.id) }
}
