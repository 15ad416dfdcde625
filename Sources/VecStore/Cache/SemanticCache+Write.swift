// SPDX-License-Identifier: Apache-2.0

import VecCache

extension SemanticCache {
    /// Sets an entry, in the place of the one with the same prompt and metadata: other metadata make another entry, unless
    /// `Options.isOnePerPrompt`.
    /// - Parameters:
    ///   - prompt: Up to 1 MiB; not empty.
    ///   - response: Up to 8 MiB.
    ///   - vector: As many elements as the cache has, of any norm but 0; nil: the encoder of the cache makes it.
    ///   - metadata: Up to 64 KiB; nil: none.
    ///   - ttl: How long it lives.
    ///   - cost: What it takes to make the response again, in any unit, for `.cost`; 0 or more.
    /// - Returns: Its id.
    /// - Throws: `.invalidArgument`, `.notFinite`, `.zeroVector`, `.tooLarge`, `.io`, `.outOfMemory` (of the server, too),
    ///   `.invalidHandle`, what the encoder throws; `.unavailable` where as many changes wait for Redis as there may be.
    @discardableResult
    public func set(
        prompt: String, response: String, vector: [Float]? = nil, metadata: Payload? = nil, ttl: TimeToLive = .standard,
        cost: Float = 1
    ) throws(VecStoreError) -> String {
        try set(Entry(prompt: prompt, response: response, vector: vector, metadata: metadata, ttl: ttl, cost: cost))
    }

    /// The same with a response of bytes: `Data`, `[UInt8]`, …
    @discardableResult
    public func set(
        prompt: String, response: some Sequence<UInt8>, vector: [Float]? = nil, metadata: Payload? = nil,
        ttl: TimeToLive = .standard, cost: Float = 1
    ) throws(VecStoreError) -> String {
        try set(Entry(prompt: prompt, response: response, vector: vector, metadata: metadata, ttl: ttl, cost: cost))
    }

    private func set(_ entry: Entry) throws(VecStoreError) -> String { try set([entry]).first ?? "" }

    /// Sets entries. All are checked before the first is written; of a prompt that comes twice with the same metadata the last one
    /// counts. The encoder is called once, with the prompts of those without a vector.
    /// - Parameter entries: Up to 1,048,576. With Redis those of one call, and of many threads, go in one pipeline.
    /// - Returns: Their ids, in the same order.
    /// - Throws: As for one; the message says which entry.
    @discardableResult
    public func set(_ entries: [Entry]) throws(VecStoreError) -> [String] {
        let without = entries.indices.filter { entries[$0].vector == nil }
        if let first = without.first, encoder == nil {
            throw VecStoreError(
                CoreError(.invalidArgument, "entry \(first) has no vector, and the cache has no encoder that could make it"))
        }
        let made = try encoder?.vectors(without.map { entries[$0].prompt }) ?? []
        var vectors = entries.map(\.vector)
        for (i, vector) in zip(without, made) { vectors[i] = vector }
        let new = zip(entries, vectors).map { entry, vector in
            NewEntry(
                prompt: Array(entry.prompt.utf8), response: entry.response, vector: vector ?? [],
                metadata: entry.metadata?.bytes ?? [], ttl: entry.ttl.internalValue, cost: entry.cost)
        }
        return try rethrow { () throws(CoreError) in try core.setMany(new) }.map(\.text)
    }

    // MARK: - Deleting

    /// Deletes an entry.
    /// - Returns: Whether this process knew it.
    /// - Throws: `.invalidArgument` for what is no id; `.io`, `.unavailable`, `.invalidHandle`.
    @discardableResult
    public func delete(_ id: String) throws(VecStoreError) -> Bool { try delete([id]) == 1 }

    /// Deletes entries by their ids; those that are not there are passed over.
    /// - Returns: How many this process knew.
    /// - Throws: As for one, and `.tooLarge`.
    @discardableResult
    public func delete(_ ids: [String]) throws(VecStoreError) -> Int {
        try rethrow { () throws(CoreError) in try core.delete(ids.map { id throws(CoreError) in try SemanticCache.entryID(id) }) }
    }

    /// Deletes the entries whose metadata match a filter.
    /// - Parameter dryRun: Whether they are only counted.
    /// - Returns: How many there were.
    /// - Throws: `.invalidArgument` for a filter that is not right; `.io`, `.unavailable`, `.invalidHandle`.
    /// - Complexity: O(entries).
    @discardableResult
    public func delete(where filter: Condition, dryRun: Bool = false) throws(VecStoreError) -> Int {
        try rethrow { () throws(CoreError) in try core.delete(where: filter.filterBytes, isDryRun: dryRun) }
    }

    /// Deletes all entries of the namespace, for all processes.
    /// - Returns: How many this process knew.
    /// - Throws: `.io`, `.unavailable`, `.invalidHandle`.
    /// - Complexity: O(entries).
    @discardableResult
    public func clear() throws(VecStoreError) -> Int {
        try rethrow { () throws(CoreError) in try core.clear() }
    }

    // MARK: - Feedback

    /// Says of a hit whether it was right, for all processes. A wrong one is passed over from then on by queries that are nearer to
    /// the one that got it than to its entry. Where that cannot be told, as of a hit by the same prompt, the entry is deleted. A
    /// right one takes back what was said of queries like this.
    /// - Parameter vector: Of the prompt that got the hit; nil: that of the lookup.
    /// - Returns: Whether the entry is there.
    /// - Throws: `.invalidArgument`, `.notFinite`, `.zeroVector`, `.io`, `.unavailable`, `.invalidHandle`.
    @discardableResult
    public func feedback(_ hit: Hit, vector: [Float]? = nil, isWrong: Bool) throws(VecStoreError) -> Bool {
        try feedback(id: hit.id, vector: vector ?? hit.query, isWrong: isWrong)
    }

    /// The same by the id of the entry, for those who do not have the hit any more.
    /// - Parameter vector: nil: not known. Of a wrong hit the entry is deleted then.
    @discardableResult
    public func feedback(id: String, vector: [Float]?, isWrong: Bool) throws(VecStoreError) -> Bool {
        try rethrow { () throws(CoreError) in
            try core.feedback(SemanticCache.entryID(id), vector: vector, isWrong: isWrong)
        }
    }

    private static func entryID(_ text: String) throws(CoreError) -> EntryID {
        guard let id = EntryID(text: text) else {
            throw CoreError(.invalidArgument, "the id of an entry has 32 hexadecimal digits, as set and hits give it")
        }
        return id
    }
}
