// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension SemanticCache {
    /// Sets an entry, in the place of the one with the same prompt and metadata, or the same prompt alone.
    @discardableResult
    package func set(
        prompt: [UInt8], response: [UInt8], vector: [Float], metadata: [UInt8] = [], ttl: TimeToLive = .standard, cost: Float = 1
    ) throws(VecStoreError) -> EntryID {
        try setMany(
            [NewEntry(prompt: prompt, response: response, vector: vector, metadata: metadata, ttl: ttl, cost: cost)])[0]
    }

    /// Sets entries: all are checked before the first is written. Of a prompt that comes twice with the same metadata the
    /// last one counts.
    /// - Returns: Their ids, in the same order.
    @discardableResult
    package func setMany(_ new: [NewEntry]) throws(VecStoreError) -> [EntryID] {
        try checkUsable()
        try checkBatch(new.count, "entries")
        let now = table.now
        var entries: [CacheEntry] = []
        entries.reserveCapacity(new.count)
        for (i, one) in new.enumerated() {
            do throws(VecStoreError) {
                entries.append(try entry(one, now))
            } catch {
                throw new.count == 1 ? error : VecStoreError(error.code, "entry \(i): \(error.message)")
            }
        }
        if entries.isEmpty { return [] }
        try storing { () throws(VecStoreError) in try store.set(entries) }
        counters.sets.add(entries.count, ordering: .relaxed)
        return entries.map(\.id)
    }

    private func entry(_ new: NewEntry, _ now: Int64) throws(VecStoreError) -> CacheEntry {
        guard (1...CacheLimits.promptBytes).contains(new.prompt.count) else {
            throw VecStoreError(
                new.prompt.isEmpty ? .invalidArgument : .tooLarge,
                "the prompt has \(new.prompt.count) bytes: allowed are 1 to \(CacheLimits.promptBytes)")
        }
        guard new.response.count <= CacheLimits.responseBytes else {
            throw VecStoreError(
                .tooLarge, "the response has \(new.response.count) bytes: allowed are up to \(CacheLimits.responseBytes)")
        }
        guard new.cost.isFinite && new.cost >= 0 else {
            throw VecStoreError(.invalidArgument, "cost is \(new.cost): allowed is 0 and more")
        }
        let metadata = try Metadata.canonical(new.metadata)
        var ttl: Int64?
        switch new.ttl {
        case .standard: ttl = options.ttl
        case .forever: ttl = nil
        case .milliseconds(let milliseconds):
            try CacheOptions.check(ttl: milliseconds)
            ttl = milliseconds
        }
        let id = EntryID(prompt: new.prompt, metadata: options.isOnePerPrompt ? [] : metadata)
        let entry = CacheEntry(
            id: id, prompt: new.prompt, response: new.response,
            vector: try UnitVector.make(new.vector, dimension: options.dimension, noun: "vector"), metadata: metadata,
            created: now, expires: ttl.flatMap { SemanticCache.end(now, $0) }, ttl: ttl, cost: new.cost,
            // What was said about the entry holds of its next response too.
            negatives: table.find(id)?.negatives ?? [])
        let size = table.entrySize.bytes(entry)
        if let most = options.maxBytes, size > most {
            throw VecStoreError(.tooLarge, "the entry takes \(size) bytes: max_bytes of the cache is \(most)")
        }
        return entry
    }

    /// When something ends; nil where that is beyond all time.
    static func end(_ now: Int64, _ ttl: Int64) -> Int64? {
        let (end, isBeyond) = now.addingReportingOverflow(ttl)
        return isBeyond ? nil : end
    }

    private func checkBatch(_ count: Int, _ what: String) throws(VecStoreError) {
        guard count <= CacheLimits.batch else {
            throw VecStoreError(.tooLarge, "there are \(count) \(what): a call takes up to \(CacheLimits.batch)")
        }
    }

    // MARK: - Deleting

    /// Deletes entries; those that are not there are passed over.
    /// - Returns: How many there were.
    @discardableResult
    package func delete(_ ids: [EntryID]) throws(VecStoreError) -> Int {
        try checkUsable()
        try checkBatch(ids.count, "ids")
        let count = try storing { () throws(VecStoreError) in try store.delete(ids) }
        counters.deletes.add(count, ordering: .relaxed)
        return count
    }

    /// Deletes the entries whose metadata match a filter.
    /// - Parameter isDryRun: Whether they are only counted.
    /// - Returns: How many there were.
    @discardableResult
    package func delete(where filter: [UInt8], isDryRun: Bool = false) throws(VecStoreError) -> Int {
        try checkUsable()
        let filter = try MetadataFilter(filter, words: table.filters.words)
        let now = table.now
        var ids: [EntryID] = []
        for case let record? in table.allRecords where !record.isExpired(at: now) {
            if try filter.matches(record) { ids.append(record.id) }
        }
        if isDryRun || ids.isEmpty { return ids.count }
        let count = try storing { () throws(VecStoreError) in try store.delete(ids) }
        counters.deletes.add(count, ordering: .relaxed)
        return count
    }

    /// Deletes all entries.
    /// - Returns: How many there were.
    @discardableResult
    package func clear() throws(VecStoreError) -> Int {
        try checkUsable()
        let count = try storing { () throws(VecStoreError) in try store.clear() }
        counters.deletes.add(count, ordering: .relaxed)
        return count
    }

    // MARK: - Feedback

    /// Says of a hit whether it was right.
    ///
    /// A wrong one is passed over from then on for queries that are nearer to this one than to the entry; without a vector,
    /// or where the vector is the entry's own, the entry is deleted. A right one takes back what was said before of queries
    /// like this.
    /// - Parameter vector: Of the prompt that got the hit.
    /// - Returns: Whether the entry was there.
    @discardableResult
    package func feedback(_ id: EntryID, vector: [Float]?, isWrong: Bool) throws(VecStoreError) -> Bool {
        try checkUsable()
        let query = try vector.map { vector throws(VecStoreError) in
            try UnitVector.make(vector, dimension: options.dimension, noun: "vector")
        }
        guard let record = table.find(id) else { return false }
        counters.feedbacks.add(1, ordering: .relaxed)
        guard let query, let similarity = table.similarity(record, query) else {
            if isWrong { _ = try delete([id]) }
            return true
        }
        if isWrong && similarity >= SemanticCache.sameVector {
            _ = try delete([id])
            return true
        }
        var negatives = record.negatives
        if isWrong {
            negatives.append(query)
            if negatives.count > CacheLimits.negatives { negatives.removeFirst(negatives.count - CacheLimits.negatives) }
        } else {
            negatives.removeAll { UnitVector.similarity(query, $0, options.dimension) >= similarity }
        }
        if negatives != record.negatives {
            try storing { () throws(VecStoreError) in try store.setNegatives(id, negatives) }
        }
        return true
    }

    /// From this similarity on two vectors are those of the same prompt, up to rounding.
    private static let sameVector: Float = 0.99999

    /// Takes note of what goes wrong in the store.
    func storing<R>(_ body: () throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        do throws(VecStoreError) {
            return try body()
        } catch {
            counters.failure.note(error, at: table.now)
            throw error
        }
    }
}
