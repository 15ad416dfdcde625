// SPDX-License-Identifier: Apache-2.0

import CVecShims
import VecKernelTypes

// Reading lists: their codes, or their rows.
extension ListSearcher {
    /// - Parameter ahead: The list that is read next; empty where there is none.
    func scan(_ query: Prepared, _ probe: Probe, _ list: ListState, ahead: ListState, _ candidates: inout Candidates) {
        if isCoded {
            scanCodes(query, probe, list, ahead: ahead, limit: { $0.limit }, &candidates) { $0.take($1) }
        } else {
            scanRows(query, Int(probe.list)) { (distance, slot) in
                if distance <= candidates.limit {
                    candidates.take(Candidates.Candidate(estimate: distance, slot: slot, margin: 0))
                }
            }
        }
    }

    /// Reads some of the lists of each query, list by list for all queries.
    func scanShared(_ prepared: [Prepared], _ candidates: inout [Candidates], _ some: Range<Int>) {
        let nlist = model.nlist, count = prepared.count
        // Pairs in the order of their lists: a counting sort. In the end `starts` has where those of each list end.
        starts.update(repeating: 0, count: nlist + 1)
        for i in 0..<count {
            for p in some { starts[Int(probe(i, p).list) + 1] &+= 1 }
        }
        for l in 0..<nlist { starts[l + 1] &+= starts[l] }
        let total = Int(starts[nlist])
        for i in 0..<count {
            for p in some {
                let l = Int(probe(i, p).list)
                pairs[Int(starts[l])] = UInt32(truncatingIfNeeded: i * nprobe + p)
                starts[l] &+= 1
            }
        }
        var at = 0
        while at < total {
            let l = Int(probes[Int(pairs[at])].list), end = Int(starts[l])
            let list = state.list(l)
            var ahead = end < total ? state.list(Int(probes[Int(pairs[end])].list)) : ListState()
            while at < end {
                let one = Int(pairs[at]), i = one / nprobe
                if isCoded, at + 1 < end {
                    let other = Int(pairs[at + 1])
                    scanCodes(prepared, i, other / nprobe, probes[one], probes[other], list, ahead: ahead, &candidates)
                    at += 2
                } else {
                    scan(prepared[i], probes[one], list, ahead: ahead, &candidates[i])
                    at += 1
                }
                ahead = ListState()
            }
        }
    }

    /// Reads more lists, the nearest first, until there are enough candidates: those that are near may be short, and a filter may
    /// leave few of their rows.
    func extend(_ query: Prepared, _ candidates: inout Candidates) throws(VecStoreError) {
        guard candidates.count < wantedAtLeast, nprobe < model.nlist else { return }
        let centroids = try CentroidScan(model, table)
        _ = try prepare(query.number, at: query.place, of: centroids.query(0))
        centroids.multiply(1)
        let all = centroids.nearest(0, model.nlist)
        // Those that have been read are marked.
        starts.update(repeating: 0, count: model.nlist)
        for p in 0..<nprobe { starts[Int(probes[query.place * nprobe + p].list)] = 1 }
        for p in 0..<model.nlist where starts[all[p]] == 0 {
            if candidates.count >= wantedAtLeast { break }
            var probe = Probe(list: UInt32(truncatingIfNeeded: all[p]), product: 0)
            measureCenters(centroids.query(0), &probe, 1)
            scan(query, probe, state.list(all[p]), ahead: ListState(), &candidates)
            // A row that is in one of the lists to come as well has been here.
            if let ranks { ranks[Int(probe.list)] = .max }
        }
        if let ranks {
            for l in 0..<model.nlist where ranks[l] == .max { ranks[l] = 0 }
        }
    }

    /// What a list adds to all its estimates for a query, and how far they are off for a row of factor 1.
    func base(_ query: Prepared, _ probe: Probe) -> (base: Float, margin: Float) {
        let l = Int(probe.list), radius = model.radii[l]
        let squared = max(0, query.square + radius * (radius * model.squares[l] - 2 * probe.product))
        let base =
            switch model.metric {
            case .l2Squared: squared
            case .cosine: 1 - radius * probe.product
            default: 0 - radius * probe.product
            }
        return (base, (model.codec?.spread ?? 0) * squared.squareRoot() + query.tables.spread)
    }

    /// Estimates the rows of a list, and calls `take` with those within a limit.
    func scanCodes<R>(
        _ query: Prepared, _ probe: Probe, _ list: ListState, ahead: ListState, limit: (R) -> Float, _ results: inout R,
        _ take: (inout R, Candidates.Candidate) -> Void
    ) {
        let (base, margin) = base(query, probe)
        let tables = tables(query)
        forEachPiece(list, ahead) { (blocks, count, rows) in
            sum(blocks, count, tables, sums)
            select(query, probe.list, blocks, count, rows, sums, base, margin, limit: limit, &results, take)
        }
    }

    /// Estimates the rows of a list for two queries at once.
    func scanCodes(
        _ prepared: [Prepared], _ i: Int, _ j: Int, _ probe: Probe, _ other: Probe, _ list: ListState,
        ahead: ListState, _ candidates: inout [Candidates]
    ) {
        let layout = model.layout
        let first = base(prepared[i], probe), second = base(prepared[j], other)
        let tables = tables(prepared[i]), otherTables = self.tables(prepared[j])
        forEachPiece(list, ahead) { (blocks, count, rows) in
            if layout.rowBytes > 0 {
                sum(blocks, count, tables, sums)
                sum(blocks, count, otherTables, otherSums)
            } else {
                table.listCodes.sums2(
                    blocks.assumingMemoryBound(to: UInt8.self), layout.blockSize, count, layout.groups, tables, otherTables,
                    sums, otherSums)
            }
            select(
                prepared[i], probe.list, blocks, count, rows, sums, first.base, first.margin, limit: { $0.limit }, &candidates[i]
            ) { $0.take($1) }
            select(
                prepared[j], probe.list, blocks, count, rows, otherSums, second.base, second.margin, limit: { $0.limit }, &candidates[j]
            ) { $0.take($1) }
        }
    }

    /// Sums the codes of some blocks for a query.
    @inline(__always)
    private func sum(
        _ blocks: UnsafeRawPointer, _ count: Int, _ tables: UnsafePointer<UInt8>, _ out: UnsafeMutablePointer<Int32>
    ) {
        let layout = model.layout
        if layout.rowBytes == 0 {
            table.listCodes.sums(
                blocks.assumingMemoryBound(to: UInt8.self), layout.blockSize, count, layout.groups, tables, out)
            return
        }
        let size = model.codeShape.tableSize
        if size > 0 {
            let entries = UnsafeRawPointer(tables).assumingMemoryBound(to: Float.self)
            for b in 0..<count {
                let codes = (blocks + b * layout.blockSize).assumingMemoryBound(to: UInt8.self)
                table.subspaces.sums(entries, size, codes, layout.rowBytes, ListLayout.rows, layout.rowBytes, values)
                let out = out + b * ListLayout.rows
                // Rounds to whole numbers without a conversion that could trap.
                for r in 0..<ListLayout.rows {
                    out[r] = Int32(bitPattern: (values[r] + 0x1p23).bitPattern &- (0x1p23 as Float).bitPattern)
                }
            }
            return
        }
        let query = UnsafeRawPointer(tables).assumingMemoryBound(to: Int8.self)
        for b in 0..<count {
            let codes = (blocks + b * layout.blockSize).assumingMemoryBound(to: UInt8.self)
            table.codes.rows(query, codes, layout.rowBytes, ListLayout.rows, layout.rowBytes, out + b * ListLayout.rows)
        }
    }

    /// Calls `body` with runs of blocks, how many they are, and the rows of each. Meanwhile the list `ahead` is fetched, a part
    /// with each run.
    @inline(__always)
    func forEachPiece(_ list: ListState, _ ahead: ListState, _ body: (UnsafeRawPointer, Int, Int) -> Void) {
        let blockSize = model.layout.blockSize
        var from = 0
        if let blocks = list.blocks {
            while from < list.fullBlocks {
                let n = min(ListSearcher.pieceBlocks, list.fullBlocks - from)
                let isLast = from + n == list.fullBlocks && list.lastBlock == nil
                if ahead.count > 0 { prefetch(ahead, from, isLast ? .max : from + n) }
                body(blocks + from * blockSize, n, ListLayout.rows)
                from += n
            }
        }
        if let last = list.lastBlock {
            if ahead.count > 0 { prefetch(ahead, from, .max) }
            body(last, 1, list.count % ListLayout.rows)
        }
        withExtendedLifetime(list) {}
    }

    /// Fetches blocks `from` ..< `to` of a list, as far as there are any.
    private func prefetch(_ list: ListState, _ from: Int, _ to: Int) {
        let layout = model.layout
        let most = min(ListLayout.blocks(list.count), ListSearcher.mostAhead / layout.blockSize)
        for b in min(from, most)..<min(to, most) {
            if let block = list.block(b, layout) { prefetch(block, layout.blockSize) }
        }
    }

    func prefetch(_ address: UnsafeRawPointer, _ size: Int) {
        var at = 0
        while at < size {
            vs_prefetch(address + at)
            at &+= 64
        }
    }

    /// Calls `take` with the rows of some blocks whose estimates are within a limit.
    @inline(__always)
    func select<R>(
        _ query: Prepared, _ l: UInt32, _ blocks: UnsafeRawPointer, _ count: Int, _ rows: Int, _ sums: UnsafePointer<Int32>,
        _ base: Float, _ margin: Float, limit: (R) -> Float, _ results: inout R, _ take: (inout R, Candidates.Candidate) -> Void
    ) {
        let layout = model.layout
        let found = table.listCodes.select(
            sums, layout.offsets(blocks), layout.factors(blocks), layout.blockSize, ListLayout.rows * (count - 1) + rows,
            query.tables.scale, query.tables.shift, base, limit(results), positions, values)
        for f in 0..<found {
            // Those before it may have lowered the limit.
            if values[f] > limit(results) { continue }
            let position = Int(positions[f]), row = position % ListLayout.rows
            let block = blocks + position / ListLayout.rows * layout.blockSize
            let slot = layout.slots(block)[row]
            // A damaged file may name any slot.
            guard Int(slot) < state.usedSlots, filter.wants(slot, state.rows), !isBetterKnown(slot, l) else { continue }
            let margin = abs(layout.factors(block)[row]) * margin
            take(&results, Candidates.Candidate(estimate: values[f], slot: slot, margin: margin))
        }
    }
}
