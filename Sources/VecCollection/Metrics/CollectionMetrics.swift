// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// What there is to say about a collection in numbers, as it is at one moment.
package struct CollectionMetrics {
    private let name: String
    private let calls: [(operation: Operation, calls: CallTable.Calls)]
    private let state: CollectionState
    private let vectorNames: [String]
    private let waitingRows: Int
    private let isReadOnly: Bool
    private let disk: [DiskPart: Int]
    private let memory: [(name: String, bytes: Int)]
    private let mappedGraphBytes: Int
    private let walBytes: Int
    private let filters: (hits: UInt64, misses: UInt64, entries: Int, bytes: Int)
    private let connections: (used: Int, idle: Int)
    private let portions: UInt64
    private let portionRows: UInt64
    private let portionNanoseconds: UInt64
    private let failures: UInt64
    private let savedGraphs: UInt64

    /// - Parameter name: What stands for the collection; nil: the last part of its path.
    package init(_ collection: PointCollection, name: String?) throws(VecStoreError) {
        self.name = name ?? collection.name
        state = try collection.reading { $0 }
        calls = Operation.allCases.map { ($0, collection.calls.calls($0)) }
        vectorNames = collection.settings.map(\.name)
        waitingRows = collection.waitingRows(state)
        isReadOnly = collection.isReadOnly
        disk = try collection.diskParts()
        memory = collection.memoryParts(state)
        mappedGraphBytes = state.vectors.reduce(0) { $0 + ($1.graph?.stats().mappedBytes ?? 0) }
        walBytes = collection.walBytes
        filters = collection.filters.counts
        connections = collection.readers.counts
        let background = collection.background
        portions = background.portions.load(ordering: .relaxed)
        portionRows = background.rows.load(ordering: .relaxed)
        portionNanoseconds = background.nanoseconds.load(ordering: .relaxed)
        failures = background.failures.load(ordering: .relaxed)
        savedGraphs = background.savedGraphs.load(ordering: .relaxed)
    }

    // MARK: - Text

    /// The metrics of some collections as Prometheus reads them.
    /// - Throws: `.invalidArgument` where two collections have the same name: their numbers would be taken for each other's.
    package static func text(_ all: [CollectionMetrics]) throws(VecStoreError) -> String {
        var names = Set<[UInt8]>()
        for one in all where !names.insert(Array(one.name.utf8)).inserted {
            throw VecStoreError(.invalidArgument, "two collections are called '\(one.name)': give each a name of its own")
        }
        var text = MetricsText()
        if all.isEmpty { return text.text }
        writeCalls(all, &text)
        writePoints(all, &text)
        writeBytes(all, &text)
        writeWork(all, &text)
        return text.text
    }

    private static func writeCalls(_ all: [CollectionMetrics], _ text: inout MetricsText) {
        let total = "vecstore_collection_calls_total"
        text.family(total, .counter, "Calls that have ended, by operation and status.")
        for one in all {
            for (operation, calls) in one.calls {
                for (place, count) in calls.ends.enumerated() where count > 0 || place == CallEnd.ok.place {
                    text.sample(total, one.labels(("operation", operation.name), ("status", CallEnd.all[place])), count)
                }
            }
        }
        let duration = "vecstore_collection_call_duration_seconds"
        text.family(duration, .histogram, "How long calls took, whatever their status.")
        for one in all { for (operation, calls) in one.calls where calls.count > 0 { one.write(duration, operation, calls, &text) } }
    }

    private func write(_ name: String, _ operation: Operation, _ calls: CallTable.Calls, _ text: inout MetricsText) {
        var sum: UInt64 = 0
        for (bucket, count) in zip(CallTable.buckets.map(\.seconds) + ["+Inf"], calls.buckets) {
            sum &+= count
            text.sample("\(name)_bucket", labels(("operation", operation.name), ("le", bucket)), sum)
        }
        text.sample("\(name)_sum", labels(("operation", operation.name)), Double(calls.nanoseconds) / 1e9)
        text.sample("\(name)_count", labels(("operation", operation.name)), sum)
    }

    private static func writePoints(_ all: [CollectionMetrics], _ text: inout MetricsText) {
        gauge(all, "points", "Points that there are.", &text) { $0.state.count }
        gauge(all, "rows", "Rows that were handed out: each version of a point has one.", &text) { $0.state.rowCount }
        gauge(all, "dead_rows", "Rows of points that were removed or replaced.", &text) { $0.state.rowCount - $0.state.count }
        gauge(all, "waiting_rows", "Rows that wait to come into graphs, and are compared until then.", &text) { $0.waitingRows }
        let vectors = "vecstore_collection_vectors"
        text.family(vectors, .gauge, "Points that have a vector of a name.")
        for one in all {
            for (name, vector) in zip(one.vectorNames, one.state.vectors) {
                text.sample(vectors, one.labels(("vector", name)), vector.count)
            }
        }
        let indexed = "vecstore_collection_indexed_vectors"
        text.family(indexed, .gauge, "Vectors of a name that a graph has.")
        for one in all {
            for (name, vector) in zip(one.vectorNames, one.state.vectors) {
                text.sample(indexed, one.labels(("vector", name)), vector.graph?.count ?? 0)
            }
        }
        gauge(all, "read_only", "1 where it is open for reading alone.", &text) { $0.isReadOnly ? 1 : 0 }
    }

    private static func writeBytes(_ all: [CollectionMetrics], _ text: inout MetricsText) {
        let disk = "vecstore_collection_disk_bytes"
        text.family(disk, .gauge, "Bytes that files take on the disk, by what they belong to.")
        for one in all {
            for part in DiskPart.allCases { text.sample(disk, one.labels(("part", part.rawValue)), one.disk[part] ?? 0) }
        }
        let memory = "vecstore_collection_memory_bytes"
        text.family(memory, .gauge, "Bytes of memory that were asked for, without maps of files and pages of the database.")
        for one in all { for (name, bytes) in one.memory { text.sample(memory, one.labels(("part", name)), bytes) } }
        gauge(all, "mapped_graph_bytes", "Bytes of graphs that are mapped from their files.", &text) { $0.mappedGraphBytes }
        gauge(all, "wal_bytes", "Length of the write-ahead log of the database.", &text) { $0.walBytes }
    }

    private static func writeWork(_ all: [CollectionMetrics], _ text: inout MetricsText) {
        counter(all, "filter_cache_hits_total", "Filters whose rows were known from before.", &text) { $0.filters.hits }
        counter(all, "filter_cache_misses_total", "Filters whose rows had to be found.", &text) { $0.filters.misses }
        gauge(all, "filter_cache_entries", "Filters that are kept.", &text) { $0.filters.entries }
        let connections = "vecstore_collection_connections"
        text.family(connections, .gauge, "Connections to the database for reading.")
        for one in all {
            text.sample(connections, one.labels(("state", "used")), one.connections.used)
            text.sample(connections, one.labels(("state", "idle")), one.connections.idle)
        }
        counter(all, "index_portions_total", "Portions of rows that went into graphs or out of them.", &text) { $0.portions }
        counter(all, "index_rows_total", "Rows of these portions.", &text) { $0.portionRows }
        counter(all, "index_failures_total", "Portions and saves in the background that failed.", &text) { $0.failures }
        counter(all, "graphs_saved_total", "Graphs that were written to files.", &text) { $0.savedGraphs }
        let seconds = "vecstore_collection_index_seconds_total"
        text.family(seconds, .counter, "Time that these portions took.")
        for one in all { text.sample(seconds, one.labels(), Double(one.portionNanoseconds) / 1e9) }
    }

    private static func gauge(
        _ all: [CollectionMetrics], _ name: String, _ help: String, _ text: inout MetricsText, _ value: (CollectionMetrics) -> Int
    ) {
        text.family("vecstore_collection_\(name)", .gauge, help)
        for one in all { text.sample("vecstore_collection_\(name)", one.labels(), value(one)) }
    }

    private static func counter(
        _ all: [CollectionMetrics], _ name: String, _ help: String, _ text: inout MetricsText,
        _ value: (CollectionMetrics) -> UInt64
    ) {
        text.family("vecstore_collection_\(name)", .counter, help)
        for one in all { text.sample("vecstore_collection_\(name)", one.labels(), value(one)) }
    }

    private func labels(_ more: (name: String, value: String)...) -> [(name: String, value: String)] {
        [("collection", name)] + more
    }
}

extension PointCollection {
    /// The last part of the path.
    package var name: String {
        directory.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(directory[directory.index(after: $0)...]) } ?? directory
    }

    /// Bytes of the write-ahead log; 0 where there is none.
    var walBytes: Int {
        var status = stat()
        return stat("\(directory)/\(Catalog.fileName)-wal", &status) == 0 ? Int(status.st_size) : 0
    }
}
