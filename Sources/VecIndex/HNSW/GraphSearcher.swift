// SPDX-License-Identifier: Apache-2.0

import Synchronization
import VecKernelTypes

/// Answers queries one after the other; one for each thread.
struct GraphSearcher {
    private let index: HNSWIndex
    private let store: GraphStore
    private let walk: GraphWalk
    private let plan: FilterPlan?
    private let report: GraphReport?
    private let oversampling: Float?
    /// The kernels of the rows that results are ranked by; nil where the walk's own distances are the results.
    private let exact: DistanceKernels?
    /// What distances of codes may be off by, so that rows beyond it need no look.
    private let margin: Float
    /// The same for distances of sketches.
    private let sketchMargin: Float

    init(
        _ index: HNSWIndex, _ store: GraphStore, _ scratch: WalkScratch, _ search: SearchOptions, _ plan: FilterPlan?
    ) throws(VecStoreError) {
        self.index = index
        self.store = store
        self.plan = plan
        report = search.report
        oversampling = search.oversampling
        walk = try GraphWalk(store, index.table, scratch)
        let shape = store.shape
        if !search.rescores && shape.isCoded {
            exact = nil
        } else {
            exact = shape.exactType.flatMap {
                index.table.distance(shape.keepsInverseNorms ? .innerProduct : shape.metric, $0)
            }
        }
        if shape.isCoded {
            margin = 4 * index.knowledge.current.codeError
        } else if shape.fullType != nil {
            // Coarser elements: nobody has measured by how much. All rows in view are ranked.
            margin = .infinity
        } else {
            // Cosine of floats: the walk scales products in single precision, results are scaled in double.
            margin = shape.metric == .cosine ? Float(shape.dimension + 16) * 0x1p-22 : 0
        }
        sketchMargin = shape.isSketched ? 6 * index.knowledge.current.sketchError : 0
    }

    // MARK: - The nearest

    func search(
        _ queries: QueryBlock, _ i: Int, k: Int, width: Int, _ output: SearchOutput
    ) throws(VecStoreError) {
        var top = TopK(distances: output.distances + i * k, ids: output.ids + i * k, k: k)
        try index.undisturbed { () throws(VecStoreError) in
            top = TopK(distances: top.distances, ids: top.ids, k: k)
            let entry = store.entry.load(ordering: .acquiring)
            if entry == GraphStore.noEntry { return }
            let query = prepare(queries, i)
            if let plan {
                try search(queries, i, query, entry, plan, k: k, width: width, &top)
            } else {
                var beam = Beam(walk, capacity: width)
                walk(query, entry, &beam)
                refine(query, &beam, k)
                rank(queries, i, beam, k, &top)
                if top.count < k { try completeResults(queries, i, k: k, width: width, &top) }
            }
        }
        output.counts?[i] = UInt64(top.count)
        top.finish()
    }

    /// Where rows in view were removed, so that there are fewer results than there could be: goes on with more in view.
    private func completeResults(
        _ queries: QueryBlock, _ i: Int, k: Int, width: Int, _ top: inout TopK
    ) throws(VecStoreError) {
        var width = width
        while top.count < min(k, index.count) && width < store.publishedSlots {
            width = min(4 * width, store.publishedSlots)
            report?.change { $0.widenings += 1 }
            // All rows may have gone since.
            let entry = store.entry.load(ordering: .acquiring)
            if entry == GraphStore.noEntry { return }
            let scratch = try index.scratches.take(store.shape, rows: store.capacity, width: width)
            defer { index.scratches.give(scratch) }
            let wide = try GraphSearcher(self, scratch)
            let query = wide.prepare(queries, i)
            var beam = Beam(wide.walk, capacity: width)
            wide.walk(query, entry, &beam)
            // All of them: the nearest k may be just those that were removed.
            wide.refine(query, &beam, beam.count)
            top = TopK(distances: top.distances, ids: top.ids, k: k)
            wide.rank(queries, i, beam, k, &top)
        }
    }

    /// The nearest among the rows that match.
    private func search(
        _ queries: QueryBlock, _ i: Int, _ query: GraphWalk.Query, _ entry: UInt64, _ plan: FilterPlan, k: Int,
        width: Int, _ top: inout TopK
    ) throws(VecStoreError) {
        try plan.matching.follow()
        let way = plan.way
        if way != .scan {
            var beam = Beam(walk, capacity: plan.width)
            if way == .wideWalk {
                walkWide(query, entry, plan, &beam)
                beam.keep { plan.matching.contains($0) }
            } else {
                walkMatching(query, entry, plan, &beam)
            }
            // Fewer than there should be: part of what matches lies where a walk does not come from here.
            let matchCount = plan.matching.count
            let enough = way == .wideWalk ? min(width, matchCount) / 2 : min(plan.width, matchCount)
            if beam.count >= enough {
                refine(query, &beam, k)
                rank(queries, i, beam, k, &top)
                if top.count >= min(k, matchCount) { return }
            }
        }
        // k results there are, so k results there will be.
        if way != .scan { report?.change { $0.fallbacks += 1 } }
        try scan(queries, i, query, plan.matching, k: k, width: max(width, FilterPlan.scanPiece), &top)
    }

    /// Compares a query with all rows that match, in full only with those that their codes do not rule out, and by their codes
    /// with those that signs do not rule out, where there are signs.
    private func scan(
        _ queries: QueryBlock, _ i: Int, _ query: GraphWalk.Query, _ matching: MatchingRows, k: Int, width: Int,
        _ top: inout TopK
    ) throws(VecStoreError) {
        let (slots, count) = try matching.all()
        report?.change { $0.scanned += count }
        top = TopK(distances: top.distances, ids: top.ids, k: k)
        if let signs = matching.signs, signs.count >= GraphSearcher.leastRowsPerResult * k {
            let capacity = min(width, walk.scratch.width)
            let beam = SignScan(walk, signs, margin: margin).nearest(query, k: k, capacity: capacity)
            rank(queries, i, beam, k, &top)
            // Those that had no room were farther than the last.
            let isComplete = beam.count < capacity || beam.distance(capacity - 1) - margin > top.limit
            if top.count == k && isComplete {
                return compare(queries, i, query, slots + signs.count, count - signs.count, k, &top)
            }
            // Codes rule out too few, or rows in view were removed.
            top = TopK(distances: top.distances, ids: top.ids, k: k)
        }
        compare(queries, i, query, slots, count, k, &top)
    }

    /// Where a good part of the rows is wanted, signs rule out too few.
    private static let leastRowsPerResult = 8

    /// Compares a query with some rows by their codes, and in full with those that these do not rule out.
    private func compare(
        _ queries: QueryBlock, _ i: Int, _ query: GraphWalk.Query, _ slots: UnsafePointer<UInt32>, _ count: Int, _ k: Int,
        _ top: inout TopK
    ) {
        let scratch = walk.scratch
        var from = 0
        while from < count {
            let n = min(FilterPlan.scanPiece, count - from)
            for j in 0..<n { scratch.addresses[j] = walk.fine.address(slots[from + j]) }
            walk.fine.measure(query.fine, slots + from, scratch.addresses, n, scratch.distances)
            if let exact {
                rank(exact, queries, i, slots + from, n, k, &top)
            } else {
                for j in 0..<n { take(slots[from + j], cleaned(scratch.distances[j]), &top) }
            }
            from += n
        }
    }

    /// Ranks those of some rows by their exact distances that their codes, measured just now, do not rule out.
    private func rank(
        _ exact: DistanceKernels, _ queries: QueryBlock, _ i: Int, _ slots: UnsafePointer<UInt32>, _ n: Int, _ k: Int,
        _ top: inout TopK
    ) {
        let scratch = walk.scratch
        let found = index.table.select(scratch.distances, n, top.limit + margin, scratch.positions)
        var near = 0
        if found <= 2 * GraphSearcher.rankedAtATime || margin == .infinity {
            for f in 0..<found { add(slots[Int(scratch.positions[f])], at: &near) }
            take(exact, queries, i, near, &top)
            return
        }
        // At first nothing is ruled out: the nearest by their codes go first, and rule out most of the others.
        let most = max(4 * GraphSearcher.rankedAtATime, 2 * k)
        var beam = Beam(walk, capacity: min(found, scratch.width, most))
        beam.take(scratch.distances, slots, n)
        rank(exact, queries, i, beam, beam.count, k, &top)
        guard beam.count < found, beam.count > 0 else { return }
        let last = beam.distance(beam.count - 1)
        if top.count == k && last - margin > top.limit { return }
        // The others, whose distances have given way to exact ones by now.
        for j in 0..<n where !beam.contains(slots[j]) { add(slots[j], at: &near) }
        take(exact, queries, i, near, &top)
    }

    /// Measures the rows that were added, and takes them.
    private func take(_ exact: DistanceKernels, _ queries: QueryBlock, _ i: Int, _ near: Int, _ top: inout TopK) {
        let scratch = walk.scratch
        measure(exact, queries, i, near)
        for j in 0..<near { take(scratch.slots[j], scratch.distances[j], &top) }
    }

    private func take(_ slot: UInt32, _ distance: Float, _ top: inout TopK) {
        guard distance <= top.limit else { return }
        let id = store.id(slot)
        if id != noID { top.take(distance, id) }
    }

    private func prepare(_ queries: QueryBlock, _ i: Int) -> GraphWalk.Query {
        walk.prepare(queries.query(i), squaredNorm: queries.squaredNorms?[i] ?? 1)
    }

    private func walk(_ query: GraphWalk.Query, _ entry: UInt64, _ beam: inout Beam, forgets: Bool = true) {
        begin(query, entry, &beam)
        walk.run(query, level: 0, &beam)
        if forgets { forget() }
    }

    /// Forgets what a walk has visited, once that is counted.
    private func forget() {
        report?.change { [count = walk.scratch.visitedCount] in $0.visited += count }
        walk.scratch.forget()
    }

    private func begin(_ query: GraphWalk.Query, _ entry: UInt64, _ beam: inout Beam) {
        let (slot, distance, _) = walk.nearestLandmark(
            query, or: walk.start(query, entry: entry, level: 0), among: 4 * beam.capacity)
        walk.begin(slot, distance, &beam)
        let root = store.root.load(ordering: .acquiring)
        if root != slot && root != noSlot { walk.begin(root, walk.distance(query, root), &beam) }
    }

    /// A walk over all rows, of which a good part matches. Where hardly any of those around the query do, it ends early.
    private func walkWide(_ query: GraphWalk.Query, _ entry: UInt64, _ plan: FilterPlan, _ beam: inout Beam) {
        let scratch = walk.scratch
        begin(query, entry, &beam)
        walk.run(query, level: 0, &beam, visiting: GraphSearcher.sampleSize)
        // Whether a row matches takes about as long to tell as its distance: every fourth is enough to know.
        var matching = 0, looked = 0
        for v in stride(from: 0, to: scratch.visitedCount, by: 4) {
            looked += 1
            if plan.matching.contains(scratch.visited[v]) { matching += 1 }
        }
        if Float(matching) >= plan.share * Float(looked) / 8 { walk.run(query, level: 0, &beam) }
        forget()
    }

    /// Rows visited before a walk looks how many of them match.
    private static let sampleSize = 512

    /// A walk over rows that match alone. It begins at those that match among the rows around the query, and at some from all
    /// over the graph; where there are none of the former, it does not begin at all.
    private func walkMatching(_ query: GraphWalk.Query, _ entry: UInt64, _ plan: FilterPlan, _ beam: inout Beam) {
        let scratch = walk.scratch
        var around = Beam(walk, capacity: min(GraphSearcher.probeWidth, scratch.width))
        walk(query, entry, &around, forgets: false)
        let probed = scratch.visitedCount
        var near: [UInt32] = []
        for v in 0..<probed where plan.matching.contains(scratch.visited[v]) { near.append(scratch.visited[v]) }
        forget()
        let expected = Float(probed) * plan.share
        if Float(near.count) < expected / 8 { return }
        beam = Beam(walk, capacity: beam.capacity)
        for slot in near.prefix(64) + plan.seeds where scratch.visit(slot) { beam.take(walk.distance(query, slot), slot) }
        walk.run(query, matching: plan.matching, &beam)
        forget()
    }

    /// Rows kept in view while the rows around a query are looked at.
    private static let probeWidth = 24

    // MARK: - Ranking

    /// Where the walk went by sketches: gives the rows that may be among the best k their finer distances, and leaves out the
    /// others.
    private func refine(_ query: GraphWalk.Query, _ beam: inout Beam, _ k: Int) {
        guard walk.isSketched, beam.count > 0 else { return }
        let scratch = walk.scratch
        let slots = scratch.rankedSlots, distances = scratch.rankedDistances
        let last = beam.distance(min(k, beam.count) - 1)
        var n = 0
        while n < beam.count && !(n >= k && beam.distance(n) > last + sketchMargin) {
            slots[n] = beam.slot(n)
            n += 1
        }
        walk.measureFine(query, slots, n, distances)
        beam = Beam(walk, capacity: beam.capacity)
        var from = 0
        while from < n {
            let piece = min(scratch.listCapacity, n - from)
            beam.take(distances + from, slots + from, piece)
            from += piece
        }
    }

    /// Ranks the rows of a beam by their exact distances. Rows that their codes put too far away to be among the best k are
    /// not looked at.
    private func rank(_ queries: QueryBlock, _ i: Int, _ beam: Beam, _ k: Int, _ top: inout TopK) {
        guard let exact else { return rankByWalk(beam, k, &top) }
        let most = oversampling.map { Int(min(Float(k) * $0, Float(Limits.k)).rounded(.up)) } ?? beam.count
        rank(exact, queries, i, beam, min(beam.count, most), k, &top)
    }

    /// Rows whose exact distances are measured together.
    private static let rankedAtATime = 16

    private func rankByWalk(_ beam: Beam, _ k: Int, _ top: inout TopK) {
        var e = 0
        while e < beam.count && top.count < k {
            let id = store.id(beam.slot(e))
            if id != noID { top.take(cleaned(beam.distance(e)), id) }
            e += 1
        }
    }

    /// Distances of codes may come out a little below the least that there is.
    private func cleaned(_ distance: Float) -> Float {
        store.shape.metric == .innerProduct ? distance : max(distance, 0)
    }

    private func rank(
        _ exact: DistanceKernels, _ queries: QueryBlock, _ i: Int, _ beam: Beam, _ most: Int, _ k: Int, _ top: inout TopK
    ) {
        let scratch = walk.scratch
        var e = 0
        while e < most {
            if top.count == k && beam.distance(e) - margin > top.limit { break }
            var n = 0
            while e < most && n < GraphSearcher.rankedAtATime {
                add(beam.slot(e), at: &n)
                e += 1
            }
            measure(exact, queries, i, n)
            for j in 0..<n {
                let id = store.id(scratch.slots[j])
                if id != noID && scratch.distances[j] <= top.limit { top.take(scratch.distances[j], id) }
            }
        }
    }

    /// Takes a row to be measured next; not where it lies outside and was removed.
    private func add(_ slot: UInt32, at n: inout Int) {
        guard let row = store.exactRow(slot) else { return }
        walk.scratch.slots[n] = slot
        walk.scratch.addresses[n] = row
        n += 1
    }

    /// The same where the walk's own rows are measured.
    private func addByWalk(_ slot: UInt32, at n: inout Int) {
        walk.scratch.slots[n] = slot
        walk.scratch.addresses[n] = walk.fine.address(slot)
        n += 1
    }

    private func measure(_ exact: DistanceKernels, _ queries: QueryBlock, _ i: Int, _ n: Int) {
        let scratch = walk.scratch
        report?.change { $0.ranked += n }
        exact.list(queries.query(i), scratch.addresses, n, store.shape.dimension, scratch.distances)
        guard let norms = store.inverseNorms, let squares = queries.squaredNorms else { return }
        let q = 1 / Double(squares[i]).squareRoot()
        for j in 0..<n {
            let inverse = norms.address(scratch.slots[j]).assumingMemoryBound(to: Double.self).pointee
            scratch.distances[j] = cosineDistance(negatedProduct: scratch.distances[j], q * inverse)
        }
    }

    /// Compares a query with every row; for those who need the truth.
    func scanAll(_ queries: QueryBlock, _ i: Int, rows: Int, k: Int, _ output: SearchOutput) {
        var top = TopK(distances: output.distances + i * k, ids: output.ids + i * k, k: k)
        let scratch = walk.scratch
        let query = prepare(queries, i)
        var from = 0
        while from < rows {
            var n = 0
            while from < rows && n < 256 {
                let slot = UInt32(from)
                from += 1
                if store.id(slot) == noID { continue }
                if exact == nil { addByWalk(slot, at: &n) } else { add(slot, at: &n) }
            }
            if let exact {
                measure(exact, queries, i, n)
            } else {
                walk.fine.measure(query.fine, scratch.slots, scratch.addresses, n, scratch.distances)
            }
            for j in 0..<n where scratch.distances[j] <= top.limit {
                let id = store.id(scratch.slots[j])
                if id != noID { top.take(scratch.distances[j], id) }
            }
        }
        top.finish()
    }

    // MARK: - Within a radius

    func searchRange(
        _ queries: QueryBlock, _ i: Int, width: Int, _ sink: inout RangeSink
    ) throws(VecStoreError) {
        try index.undisturbed { () throws(VecStoreError) in
            sink.clear()
            try collectRange(queries, i, width: width, &sink)
        }
    }

    private func collectRange(
        _ queries: QueryBlock, _ i: Int, width: Int, _ sink: inout RangeSink
    ) throws(VecStoreError) {
        let entry = store.entry.load(ordering: .acquiring)
        guard entry != GraphStore.noEntry else { return }
        try plan?.matching.follow()
        if let plan, plan.way == .scan {
            let all = try plan.matching.all()
            collect(queries, i, all.slots, all.count, prepare(queries, i), &sink)
            return
        }
        var width = width
        let rows = store.publishedSlots
        while true {
            let scratch = try index.scratches.take(store.shape, rows: store.capacity, width: width)
            defer { index.scratches.give(scratch) }
            let wide = try GraphSearcher(self, scratch)
            var beam = Beam(wide.walk, capacity: width)
            let query = wide.prepare(queries, i)
            wide.walk(query, entry, &beam)
            // Three times as many rows beyond the radius as within: nothing near is likely to be missing, not even where the
            // query lies beside a region whose rows were removed.
            let edge = beam.count < width || beam.count == 0 || beam.distance(beam.count / 4) > sink.limit + reach(sink.limit)
            if edge || width >= rows {
                wide.collect(queries, i, beam, &sink)
                return
            }
            width = min(4 * width, max(rows, 1))
        }
    }

    /// What the walk's own distances may be off by.
    private func reach(_ radius: Float) -> Float {
        // The coarsest elements, bfloat16, have 8 bits.
        margin == .infinity ? abs(radius) * 0x1p-6 : max(margin, sketchMargin)
    }

    /// The same with another scratch.
    private init(_ other: GraphSearcher, _ scratch: WalkScratch) throws(VecStoreError) {
        index = other.index
        store = other.store
        plan = other.plan
        report = other.report
        // The width is bound enough, and rows in view may be gone.
        oversampling = nil
        exact = other.exact
        margin = other.margin
        sketchMargin = other.sketchMargin
        walk = try GraphWalk(store, index.table, scratch)
    }

    private func collect(_ queries: QueryBlock, _ i: Int, _ beam: Beam, _ sink: inout RangeSink) {
        let slots = walk.scratch.rankedSlots
        var n = 0
        while n < beam.count && !(beam.distance(n) > sink.limit + reach(sink.limit)) {
            slots[n] = beam.slot(n)
            n += 1
        }
        collect(queries, i, slots, n, prepare(queries, i), &sink)
    }

    /// Takes those of some rows that lie within the radius, and match.
    private func collect(
        _ queries: QueryBlock, _ i: Int, _ slots: UnsafePointer<UInt32>, _ count: Int, _ query: GraphWalk.Query,
        _ sink: inout RangeSink
    ) {
        let scratch = walk.scratch
        var from = 0
        while from < count {
            let n = min(256, count - from)
            var kept = 0
            for j in from..<(from + n) where plan?.matching.contains(slots[j]) ?? true {
                if exact == nil { addByWalk(slots[j], at: &kept) } else { add(slots[j], at: &kept) }
            }
            if let exact {
                measure(exact, queries, i, kept)
            } else {
                walk.fine.measure(query.fine, scratch.slots, scratch.addresses, kept, scratch.distances)
            }
            for j in 0..<kept {
                let distance = exact == nil ? cleaned(scratch.distances[j]) : scratch.distances[j]
                let id = store.id(scratch.slots[j])
                if distance <= sink.limit && id != noID { sink.take(distance, id) }
            }
            from += n
        }
    }
}
