// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// Entries in a directory, for one process at a time: each namespace is a collection of points in it.
final class DirectoryStore: CacheStore, @unchecked Sendable {
    // Safety: `sink` is set before all else; what changes is touched under `lock`.

    private let collection: PointCollection
    private let clock: WallClock
    private weak var sink: (any CacheSink)?
    /// Held while the collection and the table change: so both see the same order.
    private let lock = Lock()
    /// Ends that hits have put off.
    private var touched: [EntryID: Int64] = [:]
    /// Entries that were written since the collection was last compacted.
    private var written = 0
    private var failure: VecStoreError?

    /// Entries that are read at a time.
    private static let page = 1000
    private static let leastToCompact = 16_384
    /// Bytes of a name, before an id that tells long ones apart: files that are made get longer names for a moment.
    private static let mostFileName = 120

    /// - Throws: `.invalidArgument` where the namespace has vectors of another dim or model.
    init(_ path: String, _ options: CacheOptions, clock: @escaping WallClock) throws(VecStoreError) {
        self.clock = clock
        try makeDirectory(path)
        let directory = "\(path)/\(DirectoryStore.fileName(options.namespace))"
        // What the last process wrote is there when that ends; a loss of power may take the last entries.
        let durability = CollectionOptions(durability: .normal)
        do throws(VecStoreError) {
            collection = try PointCollection.open(directory, durability)
        } catch {
            guard error.code == .notFound else { throw error }
            let settings = VectorSettings(
                name: options.namespace, dimension: options.dimension, metric: .cosine, type: options.vectorType, kind: .flat,
                model: options.model)
            collection = try PointCollection.create(directory, vectors: [settings], durability)
        }
        do throws(VecStoreError) {
            try DirectoryStore.check(collection, options, path)
        } catch {
            // Its thread may hold it for a while, and with it the lock that the next one needs.
            try? collection.close()
            throw error
        }
    }

    private static func check(_ collection: PointCollection, _ options: CacheOptions, _ path: String) throws(VecStoreError) {
        guard collection.settings.count == 1, let settings = collection.settings.first,
            settings.name.utf8.elementsEqual(options.namespace.utf8)
        else {
            throw VecStoreError(
                .invalidArgument,
                "'\(collection.directory)' is a collection, but not the namespace '\(options.namespace)' of a cache")
        }
        try options.checkStored(dimension: settings.dimension, model: settings.model, in: "'\(path)'")
    }

    /// A namespace as the name of a file: what could mean something else is written as %XX, and what would be too long is cut.
    static func fileName(_ namespace: String) -> String {
        var name: [UInt8] = []
        for (i, byte) in namespace.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "_"):
                name.append(byte)
            case UInt8(ascii: ".") where i > 0: name.append(byte)
            default: name += ((byte < 16 ? "%0" : "%") + String(byte, radix: 16)).utf8
            }
        }
        if name.count > mostFileName {
            let id = EntryID(prompt: Array(namespace.utf8), metadata: [])
            name.removeLast(name.count - mostFileName)
            name += "%\(id.text)".utf8
        }
        return String(decoding: name, as: UTF8.self)
    }

    private func name(_ id: EntryID) -> PointID { .text(id.text) }

    // MARK: - Opening

    func open(_ sink: any CacheSink) throws(VecStoreError) {
        do throws(VecStoreError) {
            try read(sink)
        } catch {
            try? collection.close()
            throw error
        }
    }

    private func read(_ sink: any CacheSink) throws(VecStoreError) {
        self.sink = sink
        let now = clock()
        var last: PointID?
        var departed = Departed()
        while true {
            let points = try collection.scroll(after: last, limit: DirectoryStore.page, filter: nil, withVectors: true)
            var entries: [CacheEntry] = []
            for point in points {
                guard let vector = point.vectors.values.first, let entry = try StoredPayload.decode(point, vector: vector) else {
                    throw VecStoreError(.corrupt, "'\(collection.directory)': the point \(point.id) is no entry of a cache")
                }
                if let expires = entry.expires, expires <= now { departed.expired.append(entry.id) } else { entries.append(entry) }
            }
            let gone = try sink.put(entries)
            departed.evicted += gone.evicted
            departed.expired += gone.expired
            guard points.count == DirectoryStore.page, let end = points.last else { break }
            last = end.id
        }
        try lock.withLock { () throws(VecStoreError) in try remove(departed.evicted + departed.expired) }
    }

    // MARK: - Writing

    func set(_ entries: [CacheEntry]) throws(VecStoreError) {
        try changing { () throws(VecStoreError) in
            try write(entries)
            written += entries.count
            for entry in entries { touched[entry.id] = nil }
            guard let gone = try sink?.put(entries), !gone.isEmpty else { return }
            try remove(gone.evicted + gone.expired)
        }
    }

    private func write(_ entries: [CacheEntry]) throws(VecStoreError) {
        let rows = entries.flatMap(\.vector)
        // One piece of memory for all payloads.
        var bytes: [UInt8] = []
        var ends: [Int] = []
        for entry in entries {
            bytes += StoredPayload.encode(entry)
            ends.append(bytes.count)
        }
        let ids = entries.map { name($0.id) }
        try bytes.withUnsafeBufferPointer { bytes throws(VecStoreError) in
            try rows.withUnsafeBufferPointer { rows throws(VecStoreError) in
                guard let base = rows.baseAddress else { return }
                var payloads: [UnsafeBufferPointer<UInt8>] = []
                var start = 0
                for end in ends {
                    payloads.append(UnsafeBufferPointer(rebasing: bytes[start..<end]))
                    start = end
                }
                try collection.upsert(
                    PointBatch(
                        ids: ids, vectors: [PointBatch.Vectors(name: nil, rows: UnsafeRawPointer(base), type: .float32)],
                        payloads: payloads))
            }
        }
    }

    /// Deletes what the table has let go of, unless it has come again. Under `lock`.
    private func remove(_ ids: [EntryID]) throws(VecStoreError) {
        let gone = ids.filter { !(sink?.contains($0) ?? false) }
        if gone.isEmpty { return }
        for id in gone { touched[id] = nil }
        try removePoints(gone)
    }

    private func removePoints(_ ids: [EntryID]) throws(VecStoreError) {
        var left = ids[...]
        while !left.isEmpty {
            try collection.remove(left.prefix(CollectionLimits.batch).map { name($0) })
            left = left.dropFirst(CollectionLimits.batch)
        }
    }

    func delete(_ ids: [EntryID]) throws(VecStoreError) -> Int {
        try changing { () throws(VecStoreError) in
            try removePoints(ids)
            return sink?.remove(ids) ?? 0
        }
    }

    func clear() throws(VecStoreError) -> Int {
        try changing { () throws(VecStoreError) in
            try collection.remove(where: Array("{}".utf8))
            touched = [:]
            return try sink?.clear() ?? 0
        }
    }

    func setNegatives(_ id: EntryID, _ negatives: [[Float]]) throws(VecStoreError) {
        try changing { () throws(VecStoreError) in
            try collection.changePayload(.ids([name(id)]), .merge(StoredPayload.encode(negatives: negatives)))
            sink?.setNegatives(id, negatives)
        }
    }

    func forget(_ ids: [EntryID]) { try? changing { () throws(VecStoreError) in try remove(ids) } }

    func touch(_ id: EntryID, expires: Int64) { lock.withLock { touched[id] = expires } }

    /// Under `lock`.
    private func writeTouched() throws(VecStoreError) {
        for (id, expires) in touched {
            try collection.changePayload(.ids([name(id)]), .merge(StoredPayload.encode(expires: expires)))
        }
        touched = [:]
    }

    /// The table has all responses.
    func fetch(_ ids: [EntryID]) -> [FetchedEntry?] { [] }

    /// Runs a change as the only one, and keeps what went wrong.
    private func changing<R>(_ body: () throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        try lock.withLock { () throws(VecStoreError) in
            do throws(VecStoreError) {
                let result = try body()
                failure = nil
                return result
            } catch {
                failure = error
                throw error
            }
        }
    }

    // MARK: - Upkeep

    func upkeep() {
        try? changing { () throws(VecStoreError) in try writeTouched() }
        let isDue = lock.withLock {
            guard written > DirectoryStore.leastToCompact, written > 2 * (sink?.ids.count ?? 0) else { return false }
            written = 0
            return true
        }
        // Vectors of entries that are gone take room in the files until then, and nothing else.
        if isDue { _ = try? collection.compact() }
    }

    var reasons: [HealthReport.Reason] {
        var reasons = HealthReport(collection).reasons
        if let failure = lock.withLock({ failure }) {
            reasons.append(HealthReport.Reason("store_failing", .degraded, "the last change failed: \(failure.message)"))
        }
        return reasons
    }

    func metrics() -> [CacheMetric] { [] }

    func close() throws(VecStoreError) {
        try lock.withLock { () throws(VecStoreError) in try writeTouched() }
        try collection.close()
    }
}
