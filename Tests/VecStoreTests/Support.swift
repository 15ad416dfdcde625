// What several suites of tests need.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VecStore

enum TestRows {
    static let dimension = 24

    /// Rows around 40 centers, the same for every seed.
    static func near(_ count: Int, seed: UInt64) -> [[Float]] {
        var centers = Generator(state: 1)
        let center = (0..<40).map { _ in (0..<dimension).map { _ in centers.next(4) } }
        var generator = Generator(state: seed)
        return (0..<count).map { _ in
            let near = center[Int(generator.bits() % 40)]
            return near.map { $0 + generator.next(1) }
        }
    }
}

/// The share of the true results that were found.
func recall(_ found: [[Hit]], _ truth: [[Hit]]) -> Double {
    let hits = zip(found, truth).map { Set($0.map(\.id)).intersection($1.map(\.id)).count }.reduce(0, +)
    return Double(hits) / Double(truth.map(\.count).reduce(0, +))
}

func withPath(_ body: (String) throws -> Void) throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("vecstore-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: url) }
    try body(url.path)
}

func expect(
    _ code: IndexError.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
    let error = #expect(throws: IndexError.self, sourceLocation: sourceLocation, performing: body)
    #expect(error?.code == code, sourceLocation: sourceLocation)
    #expect(error?.message.isEmpty == false, sourceLocation: sourceLocation)
}

/// SplitMix64: the same seed gives the same numbers.
private struct Generator {
    var state: UInt64

    mutating func bits() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }

    /// From −most to most.
    mutating func next(_ most: Float) -> Float { (Float(bits() >> 40) / Float(1 << 23) - 1) * most }
}
