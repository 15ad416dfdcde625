// Data that is hard on an exact search, each kind in its own way.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import VecKernelTypes

package enum DataSet: String, CaseIterable, Sendable {
    /// Independent elements: nothing special.
    case scattered
    /// Twenty rows, each there again and again with a difference in the last bits: no bound tells them apart.
    case nearDuplicates
    /// Ten rows, each there many times: ties.
    case duplicates
    /// Every element of a row is the same.
    case constant
    /// Norms from 10⁻⁶ to 10⁶.
    case norms
    /// One element, a different one each time, is 10⁶ times the others.
    case giant
    /// Small numbers that are still normal.
    case small
    /// So small that their squares underflow; every row comes twice or more.
    case tiny
    /// Every fifth row is zero.
    case zeros
    /// Rows around a few centres, queries too.
    case clusters

    /// Kinds that a type can hold and a metric takes.
    package static func suitable(for metric: Metric, _ type: ElementType) -> [DataSet] {
        allCases.filter { kind in
            switch kind {
            case .zeros: metric != .cosine
            case .tiny: metric != .cosine && type.isFloat && type != .float16
            case .small: type.isFloat && type != .float16
            // 10⁶ is beyond float16.
            case .norms, .giant: type.isFloat && type != .float16
            default: true
            }
        }
    }

    /// Rows and queries of this kind.
    package func make(
        rows: Int, queries: Int, dimension: Int, type: ElementType, seed: UInt64
    ) -> (rows: Vectors, queries: Vectors) {
        var random = Random(seed: seed ^ (UInt64(dimension) << 32))
        let floats = values(rows + queries, dimension, type, &random)
        let all = Vectors(floats, dimension: dimension, type: type)
        return (all.picked(0..<rows), all.picked(rows..<(rows + queries)))
    }

    private func values(_ count: Int, _ dimension: Int, _ type: ElementType, _ random: inout Random) -> [Float] {
        // Float types see −1 to 1, integers their range.
        let size: Float = type.isFloat ? 1 : 100
        func vector(_ scale: Float) -> [Float] {
            (0..<dimension).map { _ in random.unit() * scale * size }
        }
        var all: [Float] = []
        all.reserveCapacity(count * dimension)
        switch self {
        case .scattered:
            for _ in 0..<count { all += vector(1) }
        case .nearDuplicates:
            let centres = (0..<20).map { _ in vector(1) }
            for i in 0..<count {
                all += centres[i % 20].map { $0 * (1 + Float(random.below(9) - 4) * 0x1p-23) }
            }
        case .duplicates:
            let centres = (0..<10).map { _ in vector(1) }
            for _ in 0..<count { all += centres[random.below(10)] }
        case .constant:
            for _ in 0..<count {
                let x = random.unit() * size
                all += [Float](repeating: x == 0 ? 1 : x, count: dimension)
            }
        case .norms:
            for i in 0..<count {
                var scale: Float = 1e-6
                for _ in 0..<(i % 13) { scale *= 10 }
                all += vector(scale)
            }
        case .giant:
            for _ in 0..<count {
                var x = vector(1)
                x[random.below(dimension)] = random.unit() < 0 ? -1e6 : 1e6
                all += x
            }
        case .small:
            for _ in 0..<count { all += vector(1e-12) }
        case .tiny:
            let centres = (0..<40).map { vector($0 % 2 == 0 ? 1e-22 : 1e-21) }
            for _ in 0..<count { all += centres[random.below(40)] }
        case .zeros:
            for i in 0..<count { all += i % 5 == 0 ? [Float](repeating: 0, count: dimension) : vector(1) }
        case .clusters:
            let centres = (0..<8).map { _ in vector(1) }
            for _ in 0..<count {
                let centre = centres[random.below(8)]
                all += zip(centre, vector(0.01)).map { $0 + $1 }
            }
        }
        return all
    }
}
