// SPDX-License-Identifier: Apache-2.0

import CVecStore
import Glibc
import VecCollection
import VecIndex

/// Hits in arrays as the header shows them. All strings end with a zero.
final class HitsBox: @unchecked Sendable {
    // Safety: written by init only.

    private let queries: Int
    private let offsets: Buffer
    private let ids: Buffer
    private let distances: Buffer
    private let scores: Buffer
    private let payloads: Buffer?
    private let vectors: Buffer?
    private let dimension: Int
    private let groups: Buffer?
    private let expires: Buffer?
    private let strings: Buffer
    private var explanation: UnsafePointer<CChar>?

    /// - Parameters:
    ///   - results: A list for each query. A hit without a payload where one was asked for is a point that is not there.
    ///   - dimension: Of the vectors; nil: nobody asked.
    ///   - groups: Values of groups, as JSON.
    ///   - withExpires: Whether it is said when each point ends.
    ///   - trace: What the query did; nil: nobody asked.
    init(
        _ results: [[Hit]], withPayload: Bool, dimension: Int?, groups values: [[UInt8]]? = nil, withExpires: Bool = false,
        trace: QueryTrace? = nil
    ) throws(VecStoreError) {
        let count = results.reduce(0) { $0 + $1.count }
        queries = results.count
        self.dimension = dimension ?? 0
        offsets = try allocate(UInt64.self, results.count + 1, for: "hits")
        ids = try allocate(vecstore_id.self, count, for: "hits")
        distances = try allocate(Float.self, count, for: "hits")
        scores = try allocate(Float.self, count, for: "hits")
        payloads = withPayload ? try allocate(UnsafePointer<CChar>?.self, count, for: "hits") : nil
        vectors = try dimension.map { dimension throws(VecStoreError) in
            guard let floats = product(count, dimension) else {
                throw VecStoreError(.tooLarge, "\(count) vectors of \(dimension) elements are more than there is memory for")
            }
            return try allocate(Float.self, floats, for: "hits")
        }
        groups = try values.map { values throws(VecStoreError) in
            try allocate(UnsafePointer<CChar>?.self, values.count, for: "hits")
        }
        expires = withExpires ? try allocate(Int64.self, count, for: "hits") : nil
        let valueBytes = values.map { $0.reduce(0) { $0 + $1.count + 1 } } ?? 0
        let explanation = trace?.json
        strings = try allocate(
            UInt8.self, HitsBox.stringBytes(results) + valueBytes + (explanation.map { $0.count + 1 } ?? 0), for: "hits")
        fill(results, values ?? [], explanation)
    }

    private static func stringBytes(_ results: [[Hit]]) -> Int {
        var bytes = 1
        for hits in results {
            for hit in hits {
                if case .text(let text) = hit.id { bytes += text.utf8.count + 1 }
                if let payload = hit.payload { bytes += payload.count + 1 }
            }
        }
        return bytes
    }

    private func fill(_ results: [[Hit]], _ values: [[UInt8]], _ explanation: [UInt8]?) {
        var i = 0, used = 0
        func keep(_ bytes: some Collection<UInt8>) -> UnsafePointer<CChar> {
            let start = strings.pointer(UInt8.self) + used
            for (j, byte) in bytes.enumerated() { start[j] = byte }
            start[bytes.count] = 0
            used += bytes.count + 1
            return UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self)
        }
        for (query, hits) in results.enumerated() {
            offsets.pointer(UInt64.self)[query] = UInt64(i)
            for hit in hits {
                var id = vecstore_id()
                switch hit.id {
                case .number(let number): id.number = number
                case .text(let text): id.text = keep(text.utf8)
                }
                ids.pointer(vecstore_id.self)[i] = id
                distances.pointer(Float.self)[i] = hit.distance
                scores.pointer(Float.self)[i] = hit.score
                expires?.pointer(Int64.self)[i] = hit.expires ?? 0
                if let payloads, let payload = hit.payload {
                    payloads.pointer(UnsafePointer<CChar>?.self)[i] = keep(payload)
                }
                if let vectors {
                    let target = vectors.pointer(Float.self) + i * dimension
                    if let vector = hit.vector {
                        for (d, element) in vector.prefix(dimension).enumerated() { target[d] = element }
                    } else {
                        // No vector has this for an element, where zeros could be one.
                        target.update(repeating: .nan, count: dimension)
                    }
                }
                i += 1
            }
        }
        offsets.pointer(UInt64.self)[results.count] = UInt64(i)
        self.explanation = explanation.map { keep($0) }
        for (j, value) in values.enumerated() { groups?.pointer(UnsafePointer<CChar>?.self)[j] = keep(value) }
    }

    func fill(_ view: inout vecstore_hits_view) {
        view.nq = queries
        view.offsets = UnsafePointer(offsets.pointer(UInt64.self))
        view.ids = UnsafePointer(ids.pointer(vecstore_id.self))
        view.distances = UnsafePointer(distances.pointer(Float.self))
        view.scores = UnsafePointer(scores.pointer(Float.self))
        view.payloads = payloads.map { UnsafePointer($0.pointer(UnsafePointer<CChar>?.self)) }
        view.vectors = vectors.map { UnsafePointer($0.pointer(Float.self)) }
        view.dim = dimension
        view.groups = groups.map { UnsafePointer($0.pointer(UnsafePointer<CChar>?.self)) }
        view.explanation = explanation
        view.expires = expires.map { UnsafePointer($0.pointer(Int64.self)) }
    }
}
