// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Collects the rows within a radius of one query.
struct RangeSink: ResultSink {
    struct Hit {
        var distance: Float
        var id: UInt64
    }

    let limit: Float
    private(set) var hits: UnsafeMutablePointer<Hit>?
    private(set) var count = 0
    private var capacity = 0
    /// Whether there was no memory for a hit.
    private(set) var isShort = false

    init(limit: Float) { self.limit = limit }

    mutating func take(_ distance: Float, _ id: UInt64) {
        if count == capacity {
            let wanted = max(16, capacity * 2)
            guard let grown = realloc(hits, wanted * MemoryLayout<Hit>.stride) else {
                isShort = true
                return
            }
            hits = grown.assumingMemoryBound(to: Hit.self)
            capacity = wanted
        }
        hits?[count] = Hit(distance: distance, id: id)
        count += 1
    }

    /// Begins anew.
    mutating func clear() {
        count = 0
        isShort = false
    }

    /// Keeps each id once.
    mutating func dropRepeats() {
        guard let hits, count > 1 else { return }
        var ordered = UnsafeMutableBufferPointer(start: hits, count: count)
        ordered.sort { $0.id < $1.id || ($0.id == $1.id && $0.distance < $1.distance) }
        var kept = 1
        for i in 1..<count where hits[i].id != hits[kept - 1].id {
            hits[kept] = hits[i]
            kept += 1
        }
        count = kept
    }

    mutating func release() {
        free(hits)
        hits = nil
        count = 0
        capacity = 0
    }
}

/// The results of a range search: for each query its rows within the radius, nearest first, then by id.
package final class RangeResult: @unchecked Sendable {
    // Safety: written by init only.

    package let queryCount: Int
    private let memory: [Buffer]
    /// queryCount + 1 values.
    package let offsets: UnsafePointer<UInt64>
    package let ids: UnsafePointer<UInt64>
    package let distances: UnsafePointer<Float>

    init(_ sinks: UnsafeMutablePointer<RangeSink>, queries: Int, parts: Int) throws(VecStoreError) {
        var total = 0
        for s in 0..<(queries * parts) {
            if sinks[s].isShort { throw VecStoreError(.outOfMemory, "no memory for the results within the radius") }
            total += sinks[s].count
        }
        let what = "\(total) results within the radius"
        let offsetMemory = try allocate(UInt64.self, queries + 1, for: what)
        let idMemory = try allocate(UInt64.self, total, for: what)
        let distanceMemory = try allocate(Float.self, total, for: what)
        let offsets = offsetMemory.pointer(UInt64.self)
        let ids = idMemory.pointer(UInt64.self)
        let distances = distanceMemory.pointer(Float.self)
        var written = 0
        for q in 0..<queries {
            offsets[q] = UInt64(written)
            let first = written
            for part in 0..<parts {
                let sink = sinks[part * queries + q]
                for h in 0..<sink.count {
                    guard let hit = sink.hits?[h] else { continue }
                    distances[written] = hit.distance
                    ids[written] = hit.id
                    written += 1
                }
            }
            // A heap that takes everything, then sorts itself.
            var sorter = TopK(distances: distances + first, ids: ids + first, k: written - first)
            for h in first..<written { sorter.take(distances[h], ids[h]) }
            sorter.finish()
        }
        offsets[queries] = UInt64(written)
        queryCount = queries
        memory = [offsetMemory, idMemory, distanceMemory]
        self.offsets = UnsafePointer(offsets)
        self.ids = UnsafePointer(ids)
        self.distances = UnsafePointer(distances)
    }
}
