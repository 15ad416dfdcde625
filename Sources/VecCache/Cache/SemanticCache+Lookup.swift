// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension SemanticCache {
    /// The best entry for a prompt: one with the same prompt, or else the one with the nearest vector, where that is near
    /// enough.
    ///
    /// What is wrong with the arguments is an error always; what goes wrong in the store is a miss, unless the cache fails
    /// closed.
    /// - Parameters:
    ///   - prompt: nil: the exact tier is passed over, and hits are not guarded.
    ///   - vector: nil: the semantic tier is passed over.
    package func get(
        prompt: [UInt8]? = nil, vector: [Float]? = nil, _ query: CacheQuery = CacheQuery()
    ) throws(VecStoreError) -> CacheHit? {
        let start = ticks()
        do throws(VecStoreError) {
            try checkUsable()
            let hit = try best(prompt, vector, query)
            switch hit?.tier {
            case nil: counters.misses.add(1, ordering: .relaxed)
            case .exact: counters.exactHits.add(1, ordering: .relaxed)
            case .semantic: counters.semanticHits.add(1, ordering: .relaxed)
            }
            counters.durations.note(Double(ticks() &- start) / 1e9)
            return hit
        } catch {
            counters.failures.add(1, ordering: .relaxed)
            throw error
        }
    }

    /// The nearest entries that are near enough, nearest first.
    /// - Parameter prompt: What hits are guarded by; nil: they are not.
    package func similar(
        prompt: [UInt8]? = nil, vector: [Float], _ query: CacheQuery = CacheQuery(k: 10)
    ) throws(VecStoreError) -> [CacheHit] {
        try checkUsable()
        let lookup = try Lookup(prompt, vector, query, self)
        if !options.failsOpen { try storing { () throws(VecStoreError) in try store.checkReachable() } }
        guard let vector = lookup.vector else { return [] }
        let found = try table.nearest(
            vector, k: query.k, threshold: lookup.threshold, agreeingWith: lookup.guarded, try table.moment(query.filter))
        var hits: [CacheHit] = []
        for (record, similarity) in found.hits {
            switch try complete(record, similarity, .semantic) {
            case .hit(let hit): hits.append(hit)
            case .gone: continue
            case .unanswered: return hits
            }
        }
        return hits
    }

    /// The arguments of a lookup, checked.
    private struct Lookup {
        var vector: [Float]?
        var threshold: Float
        var guarded: [UInt8]?

        init(_ prompt: [UInt8]?, _ vector: [Float]?, _ query: CacheQuery, _ cache: SemanticCache) throws(VecStoreError) {
            threshold = query.threshold ?? cache.options.similarityThreshold
            try CacheOptions.check(threshold: threshold)
            guard (1...CacheLimits.k).contains(query.k) else {
                throw VecStoreError(.invalidArgument, "k is \(query.k): allowed is 1 to \(CacheLimits.k)")
            }
            guard !query.tiers.isEmpty, query.tiers.isSubset(of: .all) else {
                throw VecStoreError(.invalidArgument, "tiers is \(query.tiers.rawValue): allowed are 1 (exact), 2 (semantic), 3 (both)")
            }
            self.vector = try vector.map { vector throws(VecStoreError) in
                try UnitVector.make(vector, dimension: cache.options.dimension, noun: "vector")
            }
            if cache.options.guardsPrompts { guarded = prompt }
        }
    }

    private func best(
        _ prompt: [UInt8]?, _ vector: [Float]?, _ query: CacheQuery
    ) throws(VecStoreError) -> CacheHit? {
        guard (prompt != nil && query.tiers.contains(.exact)) || (vector != nil && query.tiers.contains(.semantic)) else {
            throw VecStoreError(
                .invalidArgument, "there is nothing to look for: the exact tier needs a prompt, the semantic tier a vector")
        }
        let lookup = try Lookup(prompt, vector, query, self)
        if !options.failsOpen { try storing { () throws(VecStoreError) in try store.checkReachable() } }
        // Entries that the store has lost are taken out as they are met: then the next best is looked for.
        for _ in 0..<SemanticCache.mostAttempts {
            guard let (record, similarity, tier) = try candidate(prompt, lookup, query) else { return nil }
            switch try complete(record, similarity, tier) {
            case .hit(let hit): return use(record, hit)
            case .gone: continue
            case .unanswered: return nil
            }
        }
        return nil
    }

    /// The best entry that the table knows.
    private func candidate(
        _ prompt: [UInt8]?, _ lookup: Lookup, _ query: CacheQuery
    ) throws(VecStoreError) -> (EntryRecord, Float, CacheHit.Tier)? {
        let moment = try table.moment(query.filter)
        if let prompt, query.tiers.contains(.exact), let record = table.exact(prompt, moment) { return (record, 1, .exact) }
        guard let vector = lookup.vector, query.tiers.contains(.semantic) else { return nil }
        let found = try table.nearest(vector, k: 1, threshold: lookup.threshold, agreeingWith: lookup.guarded, moment)
        if let best = found.best { counters.similarities.note(Double(best)) }
        return found.hits.first.map { ($0.record, $0.similarity, .semantic) }
    }

    private static let mostAttempts = 4

    /// A hit counts as a use of its entry.
    private func use(_ record: EntryRecord, _ hit: CacheHit) -> CacheHit {
        table.noteUse(record)
        guard options.refreshesOnHit, let ttl = record.ttl, let end = SemanticCache.end(table.now, ttl) else { return hit }
        record.setExpires(end)
        store.touch(record.id, expires: end)
        var hit = hit
        hit.expires = end
        return hit
    }

    private enum Completion {
        case hit(CacheHit)
        /// The store has it no more.
        case gone
        /// The store does not answer, and the cache fails open.
        case unanswered
    }

    /// What a record has, and what the store has of it.
    private func complete(_ record: EntryRecord, _ similarity: Float, _ tier: CacheHit.Tier) throws(VecStoreError) -> Completion {
        var hit = CacheHit(
            id: record.id, prompt: Array(record.prompt), response: [], similarity: similarity, metadata: Array(record.metadata),
            created: record.created, expires: record.expires, tier: tier)
        if record.hasResponse {
            hit.response = Array(record.response)
            return .hit(hit)
        }
        let fetched: FetchedEntry?
        do throws(VecStoreError) {
            fetched = try storing { () throws(VecStoreError) in try store.fetch(record.id) }
        } catch {
            if options.failsOpen { return .unanswered }
            throw error
        }
        guard let fetched, fetched.expires.map({ $0 > table.now }) ?? true else {
            counters.gone.add(1, ordering: .relaxed)
            _ = table.remove([record.id])
            return .gone
        }
        if fetched.expires != record.expires { table.setExpires(record.id, fetched.expires) }
        hit.response = fetched.response
        hit.expires = fetched.expires
        return .hit(hit)
    }
}
