// Data for graphs.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndexReference
import VecKernelTypes

enum GraphData {
    /// Normally distributed numbers (Box and Muller 1958).
    static func normal(_ count: Int, _ random: inout Random) -> [Float] {
        (0..<count).map { _ in
            let u = max(abs(Double(random.unit())), 1e-9), v = Double(random.unit())
            return Float((-2 * log(u)).squareRoot() * cos(Double.pi * v))
        }
    }

    /// Directions around some centres, with norms whose logarithms are normally distributed.
    static func lognormal(
        rows: Int, queries: Int, dimension: Int, seed: UInt64
    ) -> (rows: Vectors, queries: Vectors) {
        var random = Random(seed: seed)
        let centres = (0..<30).map { _ in normal(dimension, &random) }
        var all: [Float] = []
        for _ in 0..<(rows + queries) {
            let norm = exp(normal(1, &random)[0])
            let centre = centres[random.below(30)]
            all += zip(centre, normal(dimension, &random)).map { norm * (0.7 * $0 + 0.7 * $1) }
        }
        let vectors = Vectors(all, dimension: dimension, type: .float32)
        return (vectors.picked(0..<rows), vectors.picked(rows..<(rows + queries)))
    }

    /// Pairs of elements of which the first is ten thousand times the second, and rows that differ in the small ones only:
    /// one step of 8 bits over all is larger than what tells neighbours apart, and so is one for each element, because a few
    /// rows lie far away.
    static func hardOnCodes(rows: Int, queries: Int, dimension: Int, seed: UInt64) -> (rows: Vectors, queries: Vectors) {
        var random = Random(seed: seed)
        let centres = (0..<20).map { _ in normal(dimension, &random).map { $0 * 1000 } }
        var all: [Float] = []
        for _ in 0..<(rows + queries) {
            let centre = centres[random.below(20)]
            all += zip(centre, normal(dimension, &random)).map { $0 + $1 * 0.1 }
        }
        let vectors = Vectors(all, dimension: dimension, type: .float32)
        return (vectors.picked(0..<rows), vectors.picked(rows..<(rows + queries)))
    }
}
