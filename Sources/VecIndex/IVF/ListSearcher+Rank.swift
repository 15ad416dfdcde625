// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

// Ranking what lists have brought, and ranges.
extension ListSearcher {
    /// Ranks candidates, which are sorted.
    func rank(_ query: Prepared, _ candidates: Candidates, _ top: inout TopK) {
        let seen = assignments > 1 ? SeenSlots(seen, size: seenSize) : nil
        var i = 0, ranked = 0
        while i < candidates.count && ranked < mostRanked {
            if isRanked && isCoded && top.limit < .infinity {
                // Those to come are estimated no nearer than this one.
                let next = candidates[i]
                if (next.estimate - ListSearcher.margins * next.margin) * query.unscale > top.limit { return }
            }
            var n = 0
            while n < min(ListSearcher.rankRows, mostRanked - ranked) && i < candidates.count {
                let candidate = candidates[i]
                i += 1
                if let seen, !seen.insert(candidate.slot) { continue }
                slots[n] = candidate.slot
                distances[n] = isCoded ? candidate.estimate * query.unscale : candidate.estimate
                n += 1
            }
            ranked += n
            if isRanked && isCoded { measure(query, n) }
            for j in 0..<n where distances[j] <= top.limit { top.take(distances[j], state.rows.id(slots[j])) }
        }
    }

    /// Fetches the rows that come first where these candidates, which are sorted, are ranked.
    func prefetchRows(_ candidates: Candidates) {
        guard isRanked && isCoded, let view = state.rows.rowView else { return }
        for i in 0..<min(candidates.count, ListSearcher.rowsAhead) {
            prefetch(view.address(candidates[i].slot), state.rows.rowSize)
        }
    }

    /// Writes the distances of the rows in `slots`.
    func measure(_ query: Prepared, _ count: Int) {
        guard let view = state.rows.rowView else { return }
        for j in 0..<count { addresses[j] = UnsafeRawPointer(view.address(slots[j])) }
        let q = queries.query(query.number)
        guard model.metric == .cosine, let squares = queries.squaredNorms else {
            context.kernels.list(q, addresses, count, model.dimension, distances)
            return
        }
        context.products.list(q, addresses, count, model.dimension, distances)
        let inverse = 1 / Double(squares[query.number]).squareRoot()
        for j in 0..<count {
            distances[j] = cosineDistance(negatedProduct: distances[j], inverse * state.rows.inverseNorm(slots[j]))
        }
    }

    /// Compares every row of a list.
    func scanRows(_ query: Prepared, _ l: Int, _ take: (Float, UInt32) -> Void) {
        let layout = model.layout, list = state.list(l)
        for b in 0..<ListLayout.blocks(list.count) {
            guard let block = list.block(b, layout) else { break }
            let source = layout.slots(block)
            var n = 0
            for row in 0..<min(ListLayout.rows, list.count - b * ListLayout.rows) {
                let slot = source[row]
                guard Int(slot) < state.usedSlots, filter.wants(slot, state.rows) else { continue }
                slots[n] = slot
                n += 1
            }
            measure(query, n)
            for j in 0..<n { take(distances[j], slots[j]) }
        }
        withExtendedLifetime(list) {}
    }

    /// Finds the rows within the radius of queries `from` ..< `from` + `count`, in the lists that are read.
    func searchRange(
        _ from: Int, _ count: Int, _ sinks: UnsafeMutablePointer<RangeSink>
    ) throws(VecStoreError) {
        for query in try prepareAll(from, count) {
            let radius = sinks[query.number].limit
            noteProbes(query)
            for p in 0..<nprobe {
                let probe = probe(query.place, p)
                if isCoded {
                    rangeOfCodes(query, probe, ahead: upcoming(query.place, p), radius, &sinks[query.number])
                } else {
                    scanRows(query, Int(probe.list)) { (distance, slot) in
                        if distance <= radius { sinks[query.number].take(distance, state.rows.id(slot)) }
                    }
                }
            }
            forgetProbes(query)
            if assignments > 1 { sinks[query.number].dropRepeats() }
        }
    }

    func rangeOfCodes(_ query: Prepared, _ probe: Probe, ahead: ListState, _ radius: Float, _ sink: inout RangeSink) {
        // Estimates beyond the radius may be of rows within: these have the margin that rows of this list can have.
        let reach = isRanked ? ListSearcher.margins * base(query, probe).margin * widestFactor(Int(probe.list)) : 0
        let limit = radius / query.unscale + reach
        var n = 0
        scanCodes(query, probe, state.list(Int(probe.list)), ahead: ahead, limit: { _ in limit }, &sink) { (sink, candidate) in
            slots[n] = candidate.slot
            distances[n] = candidate.estimate * query.unscale
            n += 1
            if n == ListLayout.rows { flush(query, &n, radius, &sink) }
        }
        flush(query, &n, radius, &sink)
    }

    func flush(_ query: Prepared, _ n: inout Int, _ radius: Float, _ sink: inout RangeSink) {
        if isRanked { measure(query, n) }
        for j in 0..<n where distances[j] <= radius { sink.take(distances[j], state.rows.id(slots[j])) }
        n = 0
    }

    func widestFactor(_ l: Int) -> Float {
        let list = state.list(l)
        var most: Float = 0
        for b in 0..<ListLayout.blocks(list.count) {
            guard let block = list.block(b, model.layout) else { break }
            let factors = model.layout.factors(block)
            for row in 0..<ListLayout.rows { most = max(most, abs(factors[row])) }
        }
        return most
    }
}
