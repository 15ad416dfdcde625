// What a search must find: distances in double precision, and lists of results by sorting everything.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// One result.
package struct Hit: Equatable, Sendable, CustomStringConvertible {
    package var id: UInt64
    package var distance: Float

    package init(id: UInt64, distance: Float) {
        self.id = id
        self.distance = distance
    }

    /// The same row at the same distance, bit for bit.
    package static func == (a: Hit, b: Hit) -> Bool {
        a.id == b.id && a.distance.bitPattern == b.distance.bitPattern
    }

    package var description: String { "\(id) at \(distance)" }
}

package enum Reference {
    /// A distance in double precision, and how far from it a result in float32 may lie.
    package struct Distance {
        package var value: Double
        package var tolerance: Double
    }

    package static func distance(_ metric: Metric, _ a: Vectors, _ i: Int, _ b: Vectors, _ j: Int) -> Distance {
        let dimension = a.dimension
        // The instruction that multiplies bfloat16 takes numbers below the normal range for zero, and so gives them out.
        let least = a.type == .bfloat16 && b.type == .bfloat16 ? 0x1p-125 : 0x1p-149
        return a.values.withUnsafeBufferPointer { a in
            b.values.withUnsafeBufferPointer { b in
                distance(metric, a, i * dimension, b, j * dimension, dimension, least: least)
            }
        }
    }

    /// - Parameter least: What a term may lose at the end of the range of floats.
    private static func distance(
        _ metric: Metric, _ a: UnsafeBufferPointer<Double>, _ i: Int, _ b: UnsafeBufferPointer<Double>, _ j: Int,
        _ dimension: Int, least: Double
    ) -> Distance {
        var sum = 0.0, terms = 0.0, normA = 0.0, normB = 0.0, both = 0.0, either = 0.0
        for d in 0..<dimension {
            let x = a[i + d], y = b[j + d]
            switch metric {
            case .l2Squared: sum += (x - y) * (x - y)
            case .l1: sum += abs(x - y)
            case .hamming: sum += abs(x - y)
            case .innerProduct, .cosine:
                sum -= x * y
                terms += abs(x * y)
                normA += x * x
                normB += y * y
            case .jaccard:
                both += x * y
                either += max(x, y)
            }
        }
        // What the header promises: dim · 2^-23 of the sum of the absolute values of the terms.
        let relative = Double(max(dimension, 4)) * 0x1p-23
        let least = Double(dimension) * least
        switch metric {
        case .l2Squared, .l1, .hamming: return Distance(value: sum, tolerance: relative * sum + least)
        case .innerProduct: return Distance(value: sum, tolerance: relative * terms + least)
        case .cosine:
            let norm = (normA * normB).squareRoot()
            let value = 1 + sum / norm
            return Distance(value: value, tolerance: relative * (1 + terms / norm))
        case .jaccard:
            return Distance(value: either == 0 ? 0 : 1 - both / either, tolerance: 0x1p-22)
        }
    }

    /// The k nearest of `rows` that are `wanted` by the library's own distance of two vectors, by sorting all: nearest first,
    /// then by id. What every way to search must return, bit for bit.
    package static func nearest(
        _ query: Int, of queries: Vectors, _ rows: Vectors, ids: [UInt64], wanted: [Bool]? = nil, k: Int,
        _ metric: Metric, _ table: KernelTable
    ) -> [Hit] {
        Array(all(query, of: queries, rows, ids: ids, wanted: wanted, metric, table).prefix(k))
    }

    /// All wanted rows, nearest first, then by id.
    package static func all(
        _ query: Int, of queries: Vectors, _ rows: Vectors, ids: [UInt64], wanted: [Bool]? = nil,
        _ metric: Metric, _ table: KernelTable
    ) -> [Hit] {
        guard var kernels = table.distance(metric, rows.type) else { return [] }
        var bytes = queries.row(query)
        if metric == .innerProduct && rows.type == .bfloat16 && queries.type == .bfloat16,
            let special = table.bfloat16Product
        {
            kernels = special
        } else if rows.type.isFloat {
            bytes = queries.floats(query).withUnsafeBytes { Array($0) }
        }
        var hits: [Hit] = []
        hits.reserveCapacity(rows.count)
        bytes.withUnsafeBytes { q in
            rows.bytes.withUnsafeBytes { x in
                guard let q = q.baseAddress, let x = x.baseAddress else { return }
                for j in 0..<rows.count where wanted?[j] ?? true {
                    hits.append(
                        Hit(id: ids[j], distance: kernels.pair(q, x + j * rows.rowSize, rows.dimension)))
                }
            }
        }
        hits.sort { $0.distance < $1.distance || ($0.distance == $1.distance && $0.id < $1.id) }
        return hits
    }

    /// What is wrong with results, judged in double precision: a distance further off than rounding explains, an order that
    /// is not one, or a row left out that is nearer than one returned. Empty where nothing is.
    package static func faults(
        _ hits: [Hit], _ query: Int, of queries: Vectors, _ rows: Vectors, k: Int, _ metric: Metric
    ) -> [String] {
        var faults: [String] = []
        var found = [Bool](repeating: false, count: rows.count)
        var farthest = Distance(value: -.infinity, tolerance: 0)
        if hits.count != min(k, rows.count) { faults.append("\(hits.count) results instead of \(min(k, rows.count))") }
        for (rank, hit) in hits.enumerated() {
            let truth = distance(metric, queries, query, rows, Int(hit.id))
            if found[Int(hit.id)] { faults.append("row \(hit.id) comes twice") }
            found[Int(hit.id)] = true
            if abs(Double(hit.distance) - truth.value) > truth.tolerance {
                faults.append("row \(hit.id) at \(hit.distance), not \(truth.value) ± \(truth.tolerance)")
            }
            if rank > 0 && hits[rank - 1].distance > hit.distance { faults.append("result \(rank) is out of order") }
            if truth.value + truth.tolerance > farthest.value + farthest.tolerance { farthest = truth }
        }
        if hits.count < k { return faults }
        for j in 0..<rows.count where !found[j] {
            let truth = distance(metric, queries, query, rows, j)
            if truth.value + truth.tolerance < farthest.value - farthest.tolerance {
                faults.append("row \(j) at \(truth.value) is left out for one at \(farthest.value)")
            }
        }
        return faults
    }
}
