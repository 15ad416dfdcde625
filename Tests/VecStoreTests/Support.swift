// What several suites of tests need.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecStore

enum TestRows {
    static let dimension = 24

    /// Rows around 40 centers, the same for every seed.
    static func near(_ count: Int, seed: UInt64) -> [[Float]] {
        var centers = Random(seed: 1)
        let center = (0..<40).map { _ in centers.vector(dimension).map { 4 * $0 } }
        var random = Random(seed: seed)
        return (0..<count).map { _ in
            let near = center[random.below(40)]
            return near.map { $0 + random.unit() }
        }
    }
}

/// The share of the true results that were found.
func recall(_ found: [[Hit]], _ truth: [[Hit]]) -> Double {
    let hits = zip(found, truth).map { Set($0.map(\.id)).intersection($1.map(\.id)).count }.reduce(0, +)
    return Double(hits) / Double(truth.map(\.count).reduce(0, +))
}

/// Calls `body` with the path of a file that is not there.
func withPath(_ body: (String) throws -> Void) throws {
    let directory = try TemporaryDirectory()
    try withExtendedLifetime(directory) { try body(directory.path()) }
}

func expect(
    _ code: VecStoreError.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
    let error = #expect(throws: VecStoreError.self, sourceLocation: sourceLocation, performing: body)
    #expect(error?.code == code, sourceLocation: sourceLocation)
    #expect(error?.message.isEmpty == false, sourceLocation: sourceLocation)
}
