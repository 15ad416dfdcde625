// Data for graphs.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
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

    /// Groups far apart, one after the other, and queries of all of them.
    static func groups(_ count: Int, rows: Int, queries: Int, dimension: Int, seed: UInt64) -> (rows: Vectors, queries: Vectors) {
        var random = Random(seed: seed)
        func vector(_ scale: Float) -> [Float] { (0..<dimension).map { _ in scale * random.unit() } }
        let centres = (0..<count).map { _ in vector(1) }
        func row(_ group: Int) -> [Float] { zip(centres[group], vector(0.01)).map { $0 + $1 } }
        let floats = (0..<rows).flatMap { row($0 * count / rows) } + (0..<queries).flatMap { row($0 % count) }
        let all = Vectors(floats, dimension: dimension, type: .float32)
        return (all.picked(0..<rows), all.picked(rows..<(rows + queries)))
    }

    /// Groups of sixty rows that differ by less than 8 bits over the range of all can say.
    static func hardOnCodes(rows: Int, queries: Int, dimension: Int, seed: UInt64) -> (rows: Vectors, queries: Vectors) {
        var random = Random(seed: seed)
        let centres = (0..<(rows / 60)).map { _ in normal(dimension, &random) }
        var all: [Float] = []
        for i in 0..<(rows + queries) {
            all += zip(centres[i % centres.count], normal(dimension, &random)).map { $0 + $1 * 0.005 }
        }
        let vectors = Vectors(all, dimension: dimension, type: .float32)
        return (vectors.picked(0..<rows), vectors.picked(rows..<(rows + queries)))
    }
}
