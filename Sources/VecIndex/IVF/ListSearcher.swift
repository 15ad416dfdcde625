// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Searches the lists of a snapshot. One thread uses it, within `BLAS.onOneThread`.
///
/// Coded lists are read by their estimates, and the rows of the least estimates are ranked exactly, in the order of their
/// estimates, until no other can be nearer than the k-th. Where many queries come, each list is read once for all that want it,
/// while its codes are in the cache. What is read next comes into the cache meanwhile.
struct ListSearcher {
    let state: IVFSnapshot
    let model: IVFModel
    let table: KernelTable
    let context: ScanContext
    let queries: QueryBlock
    let filter: ListFilter
    let near: NearLists
    let nprobe: Int
    let k: Int
    /// Whether lists hold codes, and whether results are ranked by rows.
    let isCoded: Bool
    let isRanked: Bool
    let assignments: Int

    let memory: Buffer
    /// Of each query at work: candidates, tables, and the lists to read.
    let items: UnsafeMutablePointer<Candidates.Candidate>
    let capacity: Int
    /// Rows that are ranked for a query at most.
    let mostRanked: Int
    let tableBytes: UnsafeMutablePointer<UInt8>
    let probes: UnsafeMutablePointer<Probe>
    /// Of the query that is prepared: a few lists more.
    let found: UnsafeMutablePointer<Probe>
    let extraProbes: Int
    /// Of all of them: pairs of a list and a query.
    let pairs: UnsafeMutablePointer<UInt32>
    let starts: UnsafeMutablePointer<UInt32>
    let sums: UnsafeMutablePointer<Int32>
    let otherSums: UnsafeMutablePointer<Int32>
    let positions: UnsafeMutablePointer<UInt32>
    let values: UnsafeMutablePointer<Float>
    let tableValues: UnsafeMutablePointer<Float>
    /// The queries that are prepared, as codes are made of vectors; nil where that is as they are.
    let turned: UnsafeMutablePointer<Float>?
    let addresses: UnsafeMutablePointer<UnsafeRawPointer>
    let slots: UnsafeMutablePointer<UInt32>
    let distances: UnsafeMutablePointer<Float>
    let seen: UnsafeMutablePointer<UInt32>
    let seenSize: Int
    /// Where estimates are results and rows are in two lists: the place of each list among those that the query at work reads,
    /// from 1 on; 0 for the others.
    let ranks: UnsafeMutablePointer<UInt32>?

    /// A list that a query reads, and the product of the query with its centroid.
    struct Probe {
        var list: UInt32
        var product: Float
    }

    /// Queries that are worked on at a time at most, where they read the same lists: the more there are, the less often a list
    /// comes from memory. Where all lists may lie in a cache, it is better that the tables of queries lie in a nearer one.
    static let mostQueries = 1024
    static let mostQueriesCached = 256
    static let cachedBytes = 1 << 24
    /// Pairs of a list and a query, for each list that there is, from which on lists are read for all queries together.
    static let sharedPairs = 0.25
    /// Lists of a query that are read before those that are read for all queries together: they tell which rows are too far.
    static let firstProbes = 2
    /// Blocks whose sums are made at a time: of more, rows would be looked at that those before have ruled out.
    static let pieceBlocks = 2
    /// Bytes of a list that are fetched at most while another is read: the processor foresees the rest.
    static let mostAhead = 1 << 17
    /// Rows that are fetched while those of another query are ranked: as many as are compared at a time.
    static let rowsAhead = 4
    /// Rows that are ranked at a time.
    static let rankRows = 16
    /// Rows are ranked as long as this many margins could bring one among the best. An estimate is off by more than one margin
    /// for one row of three.
    static let margins: Float = 3
    /// Rows that are ranked at most, for each result that is asked for, where nothing else is said; and some more.
    static let defaultOversampling: Float = 5
    static let leastExtra = 32

    /// Candidates of all queries at work, and lists that they read, at most, where there are several.
    static let mostCandidates = 1 << 20
    static let mostProbes = 1 << 22
    /// The same of the bytes of their tables.
    static let mostTableBytes = 1 << 24

    /// Rows that are ranked for a query at most.
    static func rankedRows(k: Int, _ search: SearchOptions, isCoded: Bool, count: Int) -> Int {
        var wanted = k
        if isCoded && k > 0 {
            let most = (Float(k) * (search.oversampling ?? defaultOversampling)).rounded(.up)
            wanted = Int(min(most, Float(Limits.k)))
            if search.oversampling == nil { wanted = max(wanted, k + leastExtra) }
        }
        return min(max(wanted, k), max(count, 1))
    }

    /// How many queries a thread takes at a time.
    /// - Parameter ranked: Rows that are ranked for each.
    static func queriesAtATime(
        _ state: IVFSnapshot, _ model: IVFModel, nprobe: Int, ranked: Int, count: Int, threads: Int
    ) -> Int {
        let share = max(1, (count + threads - 1) / max(threads, 1))
        let probes = min(nprobe, model.nlist)
        let codeSize = model.layout.blockSize / ListLayout.rows * state.rows.assignments
        let rowSize = model.codec == nil ? state.rows.rowSize : codeSize
        let isCached = state.count <= cachedBytes / max(rowSize, 1)
        let most = min(
            isCached ? mostQueriesCached : mostQueries, share, max(1, mostCandidates / max(ranked, 1)),
            max(1, mostProbes / probes), max(1, mostTableBytes / max(model.codeShape.querySize, 1)))
        return isShared(most, probes, model) ? most : min(most, NearLists.queriesAtATime)
    }

    private static func isShared(_ count: Int, _ nprobe: Int, _ model: IVFModel) -> Bool {
        count > 1 && Double(count * nprobe) >= sharedPairs * Double(model.nlist)
    }

    /// - Parameters:
    ///   - k: 0 for a range.
    ///   - atATime: As `queriesAtATime` says.
    init(
        _ index: IVFIndex, _ state: IVFSnapshot, _ model: IVFModel, _ context: ScanContext, _ queries: QueryBlock,
        _ filter: ListFilter, _ search: SearchOptions, nprobe: Int, k: Int, atATime: Int
    ) throws(VecStoreError) {
        self.state = state
        self.model = model
        table = index.table
        self.context = context
        self.queries = queries
        self.filter = filter
        self.nprobe = min(nprobe, model.nlist)
        self.k = k
        isCoded = model.codec != nil
        isRanked = !isCoded || (state.rows.keepsRows && search.rescores)
        assignments = index.options.assignments
        mostRanked = ListSearcher.rankedRows(k: k, search, isCoded: isCoded && isRanked, count: state.count)
        // A row in two lists that are read comes twice.
        capacity = mostRanked * assignments
        seenSize = assignments > 1 ? SeenSlots.size(capacity) : 0
        let rows = ListLayout.rows
        let isTurned = model.codec?.isTurned ?? false
        // Codes find lists that are nearly the nearest, and so do matrix products, whose last bits depend on how many queries there
        // are: the nearest of a few more are those.
        extraProbes = min(4 + self.nprobe / 8, model.nlist - self.nprobe)
        near = try NearLists(model, index.table, most: self.nprobe + extraProbes)
        guard let itemCount = product(atATime, capacity), let probeCount = product(atATime, self.nprobe),
            let tableSize = product(atATime, model.codeShape.querySize)
        else {
            throw VecStoreError(.tooLarge, "\(atATime) queries for k \(k) and nprobe \(nprobe) overflow")
        }
        var layout = Layout()
        let itemsAt = layout.add(Candidates.Candidate.self, itemCount)
        let tableBytesAt = layout.add(UInt8.self, tableSize)
        let probesAt = layout.add(Probe.self, probeCount)
        let foundAt = layout.add(Probe.self, self.nprobe + extraProbes)
        let pairsAt = layout.add(UInt32.self, 2 * probeCount)
        let startsAt = layout.add(UInt32.self, model.nlist + 1)
        let sumsAt = layout.add(Int32.self, ListSearcher.pieceBlocks * rows)
        let otherSumsAt = layout.add(Int32.self, ListSearcher.pieceBlocks * rows)
        let positionsAt = layout.add(UInt32.self, ListSearcher.pieceBlocks * rows)
        let valuesAt = layout.add(Float.self, ListSearcher.pieceBlocks * rows)
        let tableValuesAt = layout.add(Float.self, model.codeShape.queryRoom)
        let turnedAt = layout.add(Float.self, isTurned ? NearLists.queriesAtATime * model.dimension : 0)
        let addressesAt = layout.add(UnsafeRawPointer.self, rows)
        let slotsAt = layout.add(UInt32.self, rows)
        let distancesAt = layout.add(Float.self, rows)
        let seenAt = layout.add(UInt32.self, seenSize)
        let isRankless = isRanked || assignments == 1
        let ranksAt = layout.add(UInt32.self, isRankless ? 0 : model.nlist)
        memory = try allocate(UInt8.self, layout.size, for: "a search of lists")
        items = memory.pointer(Candidates.Candidate.self, at: itemsAt)
        tableBytes = memory.pointer(UInt8.self, at: tableBytesAt)
        probes = memory.pointer(Probe.self, at: probesAt)
        found = memory.pointer(Probe.self, at: foundAt)
        pairs = memory.pointer(UInt32.self, at: pairsAt)
        starts = memory.pointer(UInt32.self, at: startsAt)
        sums = memory.pointer(Int32.self, at: sumsAt)
        otherSums = memory.pointer(Int32.self, at: otherSumsAt)
        positions = memory.pointer(UInt32.self, at: positionsAt)
        values = memory.pointer(Float.self, at: valuesAt)
        tableValues = memory.pointer(Float.self, at: tableValuesAt)
        turned = isTurned ? memory.pointer(Float.self, at: turnedAt) : nil
        addresses = memory.pointer(UnsafeRawPointer.self, at: addressesAt)
        slots = memory.pointer(UInt32.self, at: slotsAt)
        distances = memory.pointer(Float.self, at: distancesAt)
        seen = memory.pointer(UInt32.self, at: seenAt)
        ranks = isRankless ? nil : memory.pointer(UInt32.self, at: ranksAt)
    }

    /// A query as lists are searched for it.
    struct Prepared {
        /// Which one it is: of the block, and of those at work.
        var number: Int
        var place: Int
        /// ‖q‖² of the vector that is compared with centroids.
        var square: Float
        /// Distances under ip times this are those of the query itself.
        var unscale: Float = 1
        var tables = ListCodec.Tables()
    }

    // MARK: - Queries

    /// Prepares queries `from` ..< `from` + `count`: tables, and the lists to read.
    func prepareAll(_ from: Int, _ count: Int) throws(VecStoreError) -> [Prepared] {
        var all: [Prepared] = []
        all.reserveCapacity(count)
        var done = 0
        while done < count {
            let n = min(NearLists.queriesAtATime, count - done)
            for i in 0..<n { all.append(try prepare(from + done + i, at: done + i, of: near.query(i))) }
            near.prepare(n)
            if let turned, let codec = model.codec { try codec.turn(near.query(0), n, turned) }
            for i in 0..<n { try finish(&all[done + i], i) }
            done += n
        }
        return all
    }

    /// Makes the tables of a query and finds the lists that it reads.
    /// - Parameter i: Where `near` has it.
    func finish(_ query: inout Prepared, _ i: Int) throws(VecStoreError) {
        if let codec = model.codec {
            let vector = turned.map { $0 + i * model.dimension } ?? near.query(i)
            query.tables = codec.makeTables(vector, tableValues, tables(query))
        }
        let lists = try near.nearest(i, nprobe + extraProbes)
        for p in 0..<lists.count { found[p] = Probe(list: UInt32(truncatingIfNeeded: lists[p]), product: 0) }
        measureCenters(near.query(i), found, lists.count)
        (probes + query.place * nprobe).update(from: found, count: nprobe)
    }

    /// Makes the products with centroids, one by one: what found the lists is nearly right, and its last bits may depend on the
    /// other queries. Puts the lists in order.
    func measureCenters(_ query: UnsafePointer<Float>, _ probe: UnsafeMutablePointer<Probe>, _ count: Int) {
        guard let kernels = table.distance(.innerProduct, .float32) else { return }
        var from = 0
        while from < count {
            let n = min(ListLayout.rows, count - from)
            for p in 0..<n { slots[p] = probe[from + p].list }
            kernels.gather(
                query, model.centroids.rows, 4 * model.dimension, slots, n, model.dimension, distances)
            for p in 0..<n { probe[from + p].product = 0 - distances[p] }
            from += n
        }
        // They are nearly in order as it is.
        for p in 1..<max(count, 1) {
            let one = probe[p], score = score(one)
            var at = p
            while at > 0 && self.score(probe[at - 1]) > score {
                probe[at] = probe[at - 1]
                at -= 1
            }
            probe[at] = one
        }
    }

    func score(_ probe: Probe) -> Float {
        model.offsets[Int(probe.list)] + model.weights[Int(probe.list)] * probe.product
    }

    func tables(_ query: Prepared) -> UnsafeMutablePointer<UInt8> {
        tableBytes + query.place * model.codeShape.querySize
    }

    func prepare(
        _ number: Int, at place: Int, of target: UnsafeMutablePointer<Float>
    ) throws(VecStoreError) -> Prepared {
        let dimension = model.dimension
        try convertElements(
            queries.query(number), context.type.queryType, target, .float32, dimension, table)
        var square: Double = 0
        for d in 0..<dimension { square += Double(target[d]) * Double(target[d]) }
        var query = Prepared(number: number, place: place, square: Float(square))
        guard model.metric != .l2Squared else { return query }
        // Under cosine the direction counts alone. Under ip it is as good, and a query as long as rows are makes the estimates
        // that are relative to centers best.
        let norm = square.squareRoot()
        let wanted = Double(model.meanNorm)
        guard norm > 0x1p-60 && wanted > 0x1p-60 else { return query }
        let factor = Float(wanted / norm)
        for d in 0..<dimension { target[d] *= factor }
        query.square = model.meanNorm * model.meanNorm
        // Distances under cosine do not depend on the length.
        if model.metric == .innerProduct { query.unscale = Float(norm / wanted) }
        return query
    }

    // MARK: - Search

    /// Finds the nearest rows of queries `from` ..< `from` + `count`, at most as many as this has room for.
    func search(_ from: Int, _ count: Int, _ output: SearchOutput) throws(VecStoreError) {
        let prepared = try prepareAll(from, count)
        var candidates: [Candidates] = []
        candidates.reserveCapacity(count)
        for i in 0..<count {
            candidates.append(Candidates(items + i * capacity, capacity: capacity, ids: state.rows.idView))
        }
        if k > 0 {
            if ranks == nil && ListSearcher.isShared(count, nprobe, model) {
                let first = min(ListSearcher.firstProbes, nprobe)
                scanShared(prepared, &candidates, 0..<first)
                scanShared(prepared, &candidates, first..<nprobe)
                for i in 0..<count { try extend(prepared[i], &candidates[i]) }
            } else {
                for i in 0..<count {
                    noteProbes(prepared[i])
                    var list = state.list(Int(probe(i, 0).list))
                    for p in 0..<nprobe {
                        let ahead = upcoming(i, p)
                        scan(prepared[i], probe(i, p), list, ahead: ahead, &candidates[i])
                        list = ahead
                    }
                    try extend(prepared[i], &candidates[i])
                    forgetProbes(prepared[i])
                }
            }
        }
        for i in 0..<count { candidates[i].sort() }
        for i in 0..<count {
            let number = from + i
            var top = TopK(distances: output.distances + number * k, ids: output.ids + number * k, k: k)
            if i + 1 < count { prefetchRows(candidates[i + 1]) }
            rank(prepared[i], candidates[i], &top)
            output.counts?[number] = UInt64(top.count)
            top.finish()
        }
    }

    /// List p of those that the query at a place reads.
    func probe(_ place: Int, _ p: Int) -> Probe { probes[place * nprobe + p] }

    /// The list that a query reads after list p.
    func upcoming(_ place: Int, _ p: Int) -> ListState {
        p + 1 < nprobe ? state.list(Int(probe(place, p + 1).list)) : ListState()
    }

    /// Candidates below which more lists are read.
    var wantedAtLeast: Int { ranks == nil ? min(capacity, k * assignments) : k }

    /// Notes which lists a query reads.
    func noteProbes(_ query: Prepared) {
        guard let ranks else { return }
        for p in 0..<nprobe { ranks[Int(probes[query.place * nprobe + p].list)] = UInt32(truncatingIfNeeded: p + 1) }
    }

    func forgetProbes(_ query: Prepared) {
        guard let ranks else { return }
        for p in 0..<nprobe { ranks[Int(probes[query.place * nprobe + p].list)] = 0 }
    }

    /// Whether the other list of a row is read too and nearer to the query, which tells more. The smaller one of two estimates
    /// would be that which is off by more.
    @inline(__always)
    func isBetterKnown(_ slot: UInt32, _ l: UInt32) -> Bool {
        guard let ranks else { return false }
        let first = state.rows.home(slot, 0)
        let other = first == l ? state.rows.home(slot, 1) : first
        // A damaged file may name any list. Those that are read beyond the first come after all of them.
        guard Int(other) < model.nlist, ranks[Int(other)] > 0 else { return false }
        return ranks[Int(l)] == 0 || ranks[Int(other)] < ranks[Int(l)]
    }
}
