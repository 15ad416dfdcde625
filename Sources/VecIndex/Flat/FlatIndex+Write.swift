// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

extension FlatIndex {
    /// Most bytes of rows in one segment.
    private static let segmentBytes = 64 << 20
    static let leastSegmentRows = 64

    // MARK: - Adding

    /// Adds rows: all or none.
    /// - Parameters:
    ///   - ids: nil: assigned.
    ///   - outIDs: The ids that the rows have; may be nil.
    package func add(
        _ vectors: UnsafeRawPointer, type: ElementType, count: Int, ids: UnsafePointer<UInt64>?,
        outIDs: UnsafeMutablePointer<UInt64>?, threads: Int, progress: Progress? = nil
    ) throws(VecStoreError) {
        try checkWritable()
        try checkType(type, for: shape.type)
        if count == 0 { return }
        writerLock.lock()
        defer { writerLock.unlock() }

        let first = ids == nil ? try published.upcomingID(count) : 0
        var largest: UInt64 = 0
        if let ids {
            largest = try checkNew(ids, count)
        } else {
            largest = first + UInt64(count - 1)
        }
        let placed = try place(vectors, type, count, threads) { i in ids?[i] ?? first + UInt64(i) }
        // Rows are only copied: there is no long way to tell of.
        if let progress, !progress(count, count) {
            throw VecStoreError(.cancelled, "adding \(count) rows was cancelled: none of them was added")
        }
        let next = FlatSnapshot(placed.parts)
        let before = published.with { (_, _, nextID) in nextID }
        try published.publish(next, nextID: nextID(after: largest, before)) { map throws(VecStoreError) in
            try map.reserve(map.count + count)
            self.record(placed, in: map)
        }
        if let outIDs {
            for i in 0..<count { outIDs[i] = ids?[i] ?? first + UInt64(i) }
        }
    }

    /// Refuses ids that are there, that come twice, or that are none. Returns the largest.
    private func checkNew(_ ids: UnsafePointer<UInt64>, _ count: Int) throws(VecStoreError) -> UInt64 {
        try published.with { (lookup, _, _) throws(VecStoreError) in try lookup.checkNew(ids, count) }
        return try checkDifferentIDs(ids, count)
    }

    // MARK: - Updating

    /// Replaces the vectors of rows that exist: all or none.
    package func update(
        _ ids: UnsafePointer<UInt64>, _ vectors: UnsafeRawPointer, type: ElementType, count: Int
    ) throws(VecStoreError) {
        try checkWritable()
        try checkType(type, for: shape.type)
        if count == 0 { return }
        writerLock.lock()
        defer { writerLock.unlock() }
        try published.with { (lookup, _, _) throws(VecStoreError) in
            for i in 0..<count where lookup.slot(of: ids[i]) == nil { throw FlatIndex.notFound(ids[i]) }
        }
        _ = try checkDifferentIDs(ids, count)
        let placed = try place(vectors, type, count, ThreadPool.defaultThreads) { ids[$0] }
        var parts = placed.parts
        try markRemoved(ids, count, &parts)
        try published.publish(FlatSnapshot(parts.filter { $0.liveCount > 0 || $0.count == 0 })) { map throws(VecStoreError) in
            self.record(placed, in: map)
        }
        tidy()
    }

    // MARK: - Removing

    /// Removes rows; ids that are not there are passed over. Returns how many were removed.
    package func remove(_ ids: UnsafePointer<UInt64>, _ count: Int) throws(VecStoreError) -> Int {
        try checkWritable()
        if count == 0 { return 0 }
        writerLock.lock()
        defer { writerLock.unlock() }
        var parts = current.parts
        let removed = try markRemoved(ids, count, &parts)
        if removed == 0 { return 0 }
        try published.publish(FlatSnapshot(parts.filter { $0.liveCount > 0 || $0.count == 0 })) { map throws(VecStoreError) in
            for i in 0..<count { map.remove(ids[i]) }
        }
        tidy()
        return removed
    }

    /// Marks the rows that ids have now as removed, in parts that are not published yet.
    @discardableResult
    private func markRemoved(
        _ ids: UnsafePointer<UInt64>, _ count: Int, _ parts: inout [FlatSnapshot.Part]
    ) throws(VecStoreError) -> Int {
        let before = parts.reduce(0) { $0 + $1.liveCount }
        let shown = FlatSnapshot(parts)
        var copied = [Bool](repeating: false, count: parts.count)
        var changed = parts
        try published.with { (lookup, _, _) throws(VecStoreError) in
            for i in 0..<count {
                guard let slot = lookup.slot(of: ids[i]), let p = shown.part(of: Int(slot)) else { continue }
                if !copied[p] {
                    changed[p].removed = try RemovedRows(
                        copying: changed[p].removed, capacity: changed[p].segment.capacity)
                    copied[p] = true
                }
                changed[p].removed?.remove(Int(slot) - changed[p].firstSlot)
            }
        }
        parts = changed
        return before - parts.reduce(0) { $0 + $1.liveCount }
    }

    /// After a removal: rewrites the rows once more are gone than left, so that each removal pays for a constant number
    /// of rows moved. Lack of memory for it is no error: the removal is done.
    private func tidy() {
        let state = current
        if state.removedCount > max(state.count, 1024) {
            try? rewrite()
        } else {
            // Segments that lost every row are gone already: the table of ids follows them.
            try? published.with { (lookup, state, _) throws(VecStoreError) in
                if case .table(let ids) = lookup { try ids.shrink(keeping: state.capacity) }
            }
        }
        withExtendedLifetime(state) {}
    }

    package func compact() throws(VecStoreError) {
        try checkWritable()
        writerLock.lock()
        defer { writerLock.unlock() }
        try rewrite()
    }

    /// Copies the rows that are there into fresh segments without room to spare. Under `writerLock`.
    private func rewrite() throws(VecStoreError) {
        let state = current
        let ids = IDMap()
        try ids.reserve(state.count)
        var parts: [FlatSnapshot.Part] = []
        var left = state.count
        var segment: RowSegment?
        var filled = 0
        var firstSlot = 0
        for part in state.parts {
            for place in 0..<part.count {
                if let removed = part.removed, !removed.isLive(place) { continue }
                if segment == nil {
                    segment = try RowSegment(shape, capacity: min(left, mostSegmentRows))
                    filled = 0
                }
                guard let target = segment else { continue }
                target.copy(filled, from: part.segment, place, shape)
                ids.set(part.segment.ids[place], UInt32(truncatingIfNeeded: firstSlot + filled))
                filled += 1
                left -= 1
                if filled == target.capacity {
                    parts.append(FlatSnapshot.Part(segment: target, firstSlot: firstSlot, count: filled, removed: nil))
                    firstSlot += filled
                    segment = nil
                }
            }
        }
        published.publish(FlatSnapshot(parts), ids: ids) { _ in }
    }

    // MARK: - Room

    package func reserve(_ rows: Int) throws(VecStoreError) {
        try checkWritable()
        guard rows <= Limits.rows else {
            throw VecStoreError(.tooLarge, "\(rows) rows: an index holds at most \(Limits.rows)")
        }
        writerLock.lock()
        defer { writerLock.unlock() }
        let state = current
        var parts = state.parts
        if rows > state.count + parts.suffix(2).reduce(0, { $0 + $1.segment.capacity - $1.count }) {
            // What an earlier call reserved and nobody used gives way: `place` looks for room in the last two parts.
            while let last = parts.last, last.count == 0 { parts.removeLast() }
            let room = parts.last.map { $0.segment.capacity - $0.count } ?? 0
            // One segment, whatever its size: it was asked for. It only counts once pages are touched.
            let missing = rows - state.count - room
            parts.append(
                FlatSnapshot.Part(
                    segment: try RowSegment(shape, capacity: missing),
                    firstSlot: try slots(FlatSnapshot(parts), missing), count: 0, removed: nil))
        }
        try published.publish(FlatSnapshot(parts)) { map throws(VecStoreError) in try map.reserve(max(rows, map.count)) }
    }

    private var mostSegmentRows: Int {
        max(FlatIndex.leastSegmentRows, FlatIndex.segmentBytes / max(shape.bytesPerRow, 1))
    }

    /// The first of `count` unused slots.
    private func slots(_ state: FlatSnapshot, _ count: Int) throws(VecStoreError) -> Int {
        guard state.nextSlot + count <= Limits.rows else {
            throw VecStoreError(.tooLarge, "an index holds at most \(Limits.rows) rows")
        }
        return state.nextSlot
    }

    // MARK: - Placing rows

    /// Rows in their places, not published yet.
    private struct Placed {
        var parts: [FlatSnapshot.Part]
        /// Where the new rows are: a part, its first new place, how many.
        var runs: [(part: Int, place: Int, count: Int)]
    }

    /// Checks vectors, converts them and puts them behind the last row. Under `writerLock`.
    private func place(
        _ vectors: UnsafeRawPointer, _ type: ElementType, _ count: Int, _ threads: Int, id: (Int) -> UInt64
    ) throws(VecStoreError) -> Placed {
        var state = current
        if state.nextSlot + count > Limits.rows && state.count + count <= Limits.rows {
            // Slots are used up by rows long gone.
            try rewrite()
            state = current
        }
        guard state.count + count <= Limits.rows else {
            throw VecStoreError(.tooLarge, "\(state.count) + \(count) rows: an index holds at most \(Limits.rows)")
        }
        var placed = Placed(parts: state.parts, runs: [])
        var left = count
        // Empty room may lie in the last part, and after a reserve in the one before it too.
        var candidate = max(0, placed.parts.count - 2)
        while left > 0 {
            if candidate == placed.parts.count {
                let wanted = max(FlatIndex.leastSegmentRows, left, min(state.count + count - left, mostSegmentRows))
                let capacity = min(wanted, mostSegmentRows)
                let firstSlot = placed.parts.last.map { $0.firstSlot + $0.segment.capacity } ?? 0
                guard firstSlot + capacity <= Limits.rows + 1 else {
                    throw VecStoreError(.tooLarge, "an index holds at most \(Limits.rows) rows")
                }
                placed.parts.append(
                    FlatSnapshot.Part(
                        segment: try RowSegment(shape, capacity: capacity), firstSlot: firstSlot, count: 0, removed: nil))
            }
            let room = placed.parts[candidate].segment.capacity - placed.parts[candidate].count
            let n = min(room, left)
            if n > 0 {
                placed.runs.append((candidate, placed.parts[candidate].count, n))
                placed.parts[candidate].count += n
                left -= n
            }
            candidate += 1
        }
        try fill(placed, vectors, type, threads, id: id)
        return placed
    }

    /// Writes vectors, ids and columns of new rows.
    private func fill(
        _ placed: Placed, _ vectors: UnsafeRawPointer, _ type: ElementType, _ threads: Int, id: (Int) -> UInt64
    ) throws(VecStoreError) {
        let context = try context()
        let errors = ErrorBox()
        let size = type.rowSize(shape.dimension)
        let piece = 256
        var first = 0
        for run in placed.runs {
            let segment = placed.parts[run.part].segment
            for i in 0..<run.count { segment.ids[run.place + i] = id(first + i) }
            ThreadPool.shared.run(tasks: (run.count + piece - 1) / piece, threads: threads) { p in
                let from = p * piece
                let n = min(piece, run.count - from)
                let range = (run.place + from)..<(run.place + from + n)
                errors.run { () throws(VecStoreError) in
                    try self.fill(segment, range, vectors + (first + from) * size, type, first + from, context)
                }
            }
            first += run.count
        }
        try errors.rethrow()
    }

    private func fill(
        _ segment: RowSegment, _ range: Range<Int>, _ vectors: UnsafeRawPointer, _ type: ElementType,
        _ firstNumber: Int, _ context: ScanContext
    ) throws(VecStoreError) {
        let check = VectorCheck(metric: shape.metric, noun: "vector")
        let target = segment.rows + range.lowerBound * shape.rowSize
        try convertRows(vectors, type, target, range.count, firstNumber)
        guard let kernel = table.squaredNorms(shape.type) else {
            try check.check(
                target, type: shape.type, count: range.count, dimension: shape.dimension, table: table,
                firstNumber: firstNumber)
            return
        }
        let squareMemory = try allocate(Float.self, range.count, for: "norms")
        let squares = squareMemory.pointer(Float.self)
        try check.check(
            target, type: shape.type, count: range.count, dimension: shape.dimension, kernel: kernel, table: table,
            squares: squares, firstNumber: firstNumber)
        try segment.describe(range, shape, squares: squares, context)
    }

    private func convertRows(
        _ source: UnsafeRawPointer, _ type: ElementType, _ target: UnsafeMutableRawPointer, _ count: Int,
        _ firstNumber: Int
    ) throws(VecStoreError) {
        if type == shape.type {
            target.copyMemory(from: source, byteCount: count * shape.rowSize)
            return
        }
        let dimension = shape.dimension
        try convertElements(source, type, target, shape.type, count * dimension, table) {
            "element \($0 % dimension) of vector \(firstNumber + $0 / dimension)"
        }
    }

    private func record(_ placed: Placed, in map: IDMap) {
        for run in placed.runs {
            let part = placed.parts[run.part]
            for i in run.place..<(run.place + run.count) {
                map.set(part.segment.ids[i], UInt32(truncatingIfNeeded: part.firstSlot + i))
            }
        }
    }
}
