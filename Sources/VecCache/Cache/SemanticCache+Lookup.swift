// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension SemanticCache {
    /// The best entry for a prompt, as `find` says.
    package func get(
        prompt: [UInt8]? = nil, vector: [Float]? = nil, _ query: CacheQuery = CacheQuery()
    ) throws(VecStoreError) -> CacheHit? {
        var query = query
        query.k = 1
        return try find(prompt: prompt, vector: vector, query).first
    }

    /// The best entries for a prompt: first the one with the same prompt; where more are wanted, or there is none, those with the
    /// nearest vectors, where these are near enough.
    ///
    /// What is wrong with the arguments is an error always; what goes wrong in the store is a miss, unless the cache fails
    /// closed.
    /// - Parameters:
    ///   - prompt: nil: the exact tier is passed over, and hits are not guarded.
    ///   - vector: nil: the semantic tier is passed over.
    package func find(
        prompt: [UInt8]? = nil, vector: [Float]? = nil, _ query: CacheQuery
    ) throws(VecStoreError) -> [CacheHit] {
        let start = ticks()
        do throws(VecStoreError) {
            try checkUsable()
            let hits = try best(prompt, vector, query)
            if hits.isEmpty && !query.countsMiss { return [] }
            switch hits.first?.tier {
            case nil: counters.misses.add(1, ordering: .relaxed)
            case .exact: counters.exactHits.add(1, ordering: .relaxed)
            case .semantic: counters.semanticHits.add(1, ordering: .relaxed)
            }
            counters.durations.note(Double(ticks() &- start) / 1e9)
            return hits
        } catch {
            counters.failures.add(1, ordering: .relaxed)
            throw error
        }
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

    /// An entry that is a hit if the store still has it.
    private struct Candidate {
        var record: EntryRecord
        var similarity: Float
        var tier: CacheHit.Tier
    }

    private func best(
        _ prompt: [UInt8]?, _ vector: [Float]?, _ query: CacheQuery
    ) throws(VecStoreError) -> [CacheHit] {
        guard (prompt != nil && query.tiers.contains(.exact)) || (vector != nil && query.tiers.contains(.semantic)) else {
            throw VecStoreError(
                .invalidArgument, "there is nothing to look for: the exact tier needs a prompt, the semantic tier a vector")
        }
        let lookup = try Lookup(prompt, vector, query, self)
        if !options.failsOpen { try storing { () throws(VecStoreError) in try store.checkReachable() } }
        // Entries that the store has lost are taken out as they are met: then the next best are looked for.
        var found = Completion()
        for _ in 0..<SemanticCache.mostAttempts {
            let candidates = try candidates(prompt, lookup, query)
            if candidates.isEmpty { return [] }
            found = try complete(candidates)
            if !found.hasGone { break }
        }
        return found.hits.map { use($0.record, $0.hit) }
    }

    private func candidates(
        _ prompt: [UInt8]?, _ lookup: Lookup, _ query: CacheQuery
    ) throws(VecStoreError) -> [Candidate] {
        var found = Candidates()
        for _ in 0..<SemanticCache.mostLooks {
            let moment = try table.moment(query.filter)
            found = try candidates(prompt, lookup, query, moment)
            // One that takes the place of another meanwhile must not be missed for that.
            if !found.hasChanged || !table.hasReplaced(since: moment) { break }
        }
        if let best = found.best { counters.similarities.note(Double(best)) }
        return found.all
    }

    private struct Candidates {
        var all: [Candidate] = []
        /// Similarity of the nearest entry, whether it is a candidate or not.
        var best: Float?
        var hasChanged = false
    }

    private func candidates(
        _ prompt: [UInt8]?, _ lookup: Lookup, _ query: CacheQuery, _ moment: EntryTable.Moment
    ) throws(VecStoreError) -> Candidates {
        var found = Candidates()
        if let prompt, query.tiers.contains(.exact) {
            let exact = table.exact(prompt, moment)
            if let record = exact.record {
                found.all.append(Candidate(record: record, similarity: 1, tier: .exact))
                if query.k == 1 { return found }
            } else {
                found.hasChanged = exact.hasChanged
            }
        }
        guard let vector = lookup.vector, query.tiers.contains(.semantic) else { return found }
        let nearest = try table.nearest(vector, k: query.k, threshold: lookup.threshold, agreeingWith: lookup.guarded, moment)
        found.best = nearest.best
        found.hasChanged = found.hasChanged || nearest.hasChanged
        for (record, similarity) in nearest.hits where record !== found.all.first?.record {
            if found.all.count == query.k { break }
            found.all.append(Candidate(record: record, similarity: similarity, tier: .semantic))
        }
        return found
    }

    /// How often entries are looked for while others take their places.
    private static let mostLooks = 8
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

    private struct Completion {
        var hits: [(record: EntryRecord, hit: CacheHit)] = []
        /// Whether the store had some no more.
        var hasGone = false
    }

    /// What records have, and what the store has of those whose responses are there alone, asked for at once. Where it does not
    /// answer, and the cache fails open, these are passed over.
    private func complete(_ candidates: [Candidate]) throws(VecStoreError) -> Completion {
        let asked = candidates.filter { !$0.record.hasResponse }.map(\.record.id)
        var answers: [FetchedEntry?]? = []
        if !asked.isEmpty {
            do throws(VecStoreError) {
                answers = try storing { () throws(VecStoreError) in try store.fetch(asked) }
            } catch {
                guard options.failsOpen else { throw error }
                answers = nil
            }
        }
        var found = Completion()
        var next = 0
        for candidate in candidates {
            let record = candidate.record
            var hit = CacheHit(
                id: record.id, prompt: Array(record.prompt), response: [], similarity: candidate.similarity,
                metadata: Array(record.metadata), created: record.created, expires: record.expires, tier: candidate.tier)
            if next < asked.count && record.id == asked[next] {
                defer { next += 1 }
                guard let answers else { continue }
                guard next < answers.count, let fetched = answers[next], fetched.expires.map({ $0 > table.now }) ?? true else {
                    counters.gone.add(1, ordering: .relaxed)
                    _ = table.remove([record.id])
                    found.hasGone = true
                    continue
                }
                if fetched.expires != record.expires { table.setExpires(record.id, fetched.expires) }
                hit.response = fetched.response
                hit.expires = fetched.expires
            } else {
                hit.response = Array(record.response)
            }
            found.hits.append((record, hit))
        }
        return found
    }
}
