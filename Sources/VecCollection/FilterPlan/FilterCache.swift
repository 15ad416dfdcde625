// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Filters that were used lately, parsed, and the rows that they let through while the points are the same: programs ask with the
/// same few filters again and again.
final class FilterCache: @unchecked Sendable {
    // Safety: all is touched under `lock`; sets in it are not changed any more.

    private struct Entry {
        let filter: Filter
        var rows: RowSet?
        var version = -1
        var lastUse = 0
    }

    private let lock = Lock()
    private var entries: [[UInt8]: Entry] = [:]
    private var clock = 0
    private var hits: UInt64 = 0
    private var misses: UInt64 = 0

    private static let mostEntries = 64
    /// Longer filters, such as lists of ids, are hardly used twice.
    private static let mostBytes = 4096

    /// The parsed filter of some JSON.
    func filter(_ json: [UInt8]) throws(VecStoreError) -> Filter {
        if let known = lock.withLock({ use(json)?.filter }) { return known }
        let parsed = try json.withUnsafeBufferPointer { bytes throws(VecStoreError) in try Filter(json: bytes) }
        lock.withLock { if json.count <= FilterCache.mostBytes { insert(json, parsed) } }
        return parsed
    }

    /// The rows that a filter let through in a state of this version; nil where nobody has looked.
    func rows(_ json: [UInt8], version: Int) -> RowSet? {
        lock.withLock {
            guard let entry = use(json), entry.version == version, let rows = entry.rows else { return nil }
            hits &+= 1
            return rows
        }
    }

    /// Takes the rows that somebody had to find, because there were none to take.
    func keep(_ rows: RowSet, _ json: [UInt8], version: Int) {
        lock.withLock {
            misses &+= 1
            entries[json]?.rows = rows
            entries[json]?.version = version
        }
    }

    /// How often rows were at hand, and how often not; how many filters are kept, and the bytes of their rows.
    var counts: (hits: UInt64, misses: UInt64, entries: Int, bytes: Int) {
        lock.withLock { (hits, misses, entries.count, entries.values.reduce(0) { $0 + ($1.rows?.bytes ?? 0) }) }
    }

    func forgetRows() { lock.withLock { for json in entries.keys { entries[json]?.rows = nil } } }

    private func use(_ json: [UInt8]) -> Entry? {
        clock += 1
        guard let place = entries.index(forKey: json) else { return nil }
        entries.values[place].lastUse = clock
        return entries.values[place]
    }

    private func insert(_ json: [UInt8], _ filter: Filter) {
        if entries.count >= FilterCache.mostEntries, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            entries[oldest.key] = nil
        }
        entries[json] = Entry(filter: filter, lastUse: clock)
    }
}

extension PointCollection {
    /// Reads the fields that a filter asks for into memory, where they are not there yet: before a state is taken, because it waits for
    /// the writer.
    func prepare(_ json: [UInt8], _ trace: QueryTrace? = nil) throws(VecStoreError) {
        let fields = current.fields.fields.filter { $0.type != .text }
        if fields.isEmpty { return }
        let paths = try filters.filter(json).paths
        try trace.timed(.indexes) { () throws(VecStoreError) in
            for field in fields where paths.contains(field.path) { try load(field) }
        }
    }

    /// The rows of points that match a filter in a state.
    /// - Parameter database: Shows the same state.
    func matchingRows(
        _ json: [UInt8], _ state: CollectionState, _ database: Database, _ trace: QueryTrace? = nil
    ) throws(VecStoreError) -> RowSet {
        try trace.timed(.filter) { () throws(VecStoreError) in
            let filter = try filters.filter(json)
            trace?.filter = FilterTrace()
            let known = filters.rows(json, version: state.version)
            trace?.filter?.isCached = known != nil
            let rows = if let known { known } else { try FilterCompiler(self, state, database, trace).rows(filter) }
            trace?.filter?.matching = rows.count
            if known == nil {
                rows.freeze(vectors: settings.count)
                let fits: Void? = try? makeRoom(rows.bytes, for: "the rows of a filter")
                if fits != nil { filters.keep(rows, json, version: state.version) }
            }
            return rows
        }
    }

    /// Those of some rows that have a vector.
    func having(_ rows: RowSet, _ state: CollectionState, place: Int) throws(VecStoreError) -> RowSet {
        guard let hidden = state.vectors[place].hidden, hidden !== state.dead else { return rows }
        let own = try rows.copy()
        own.subtract(hidden)
        return own
    }
}
