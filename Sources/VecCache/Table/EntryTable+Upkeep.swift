// SPDX-License-Identifier: Apache-2.0

import VecIndex

// What is done in the background: rows go into the graph, and rows of entries that are gone go out of it. Lookups and writers
// go on beside it.

extension EntryTable {
    /// Entries that come before filters take in what they have noted.
    private static let mostNoted = 8192

    /// Wakes the background where it has something to do.
    func wakeIfDue() {
        let isDue = writeLock.withLock {
            let layers = index.current
            let isForGraph = layers.graph != nil || count >= EntryIndex.leastForGraph
            return isForGraph && (!layers.moving.isEmpty || layers.young.count >= EntryIndex.portion)
                || layers.graph == nil && deadFlat.count >= leastDead
                || layers.graph != nil && deadGraph.count >= leastDead || changes >= EntryTable.mostNoted
                || !isWatched && expiries.next != nil
        }
        if isDue { wake() }
    }

    /// Rows of entries that are gone, before it is worth it to take them out.
    private var leastDead: Int { index.current.graph == nil ? max(256, count) : max(256, count / 32) }

    /// Does one piece of work.
    /// - Parameter isEager: Whether the least that there is to do is done too.
    /// - Returns: Whether there may be more.
    func upkeep(isEager: Bool = false) throws(VecStoreError) -> Bool {
        try workLock.withLock { () throws(VecStoreError) in
            do throws(VecStoreError) {
                let didAny = try work(isEager)
                lock.withLock { workFailure = nil }
                return didAny
            } catch {
                lock.withLock { workFailure = error }
                throw error
            }
        }
    }

    private func work(_ isEager: Bool) throws(VecStoreError) -> Bool {
        let hasNotes = writeLock.withLock {
            guard changes >= EntryTable.mostNoted else { return false }
            changes = 0
            return true
        }
        if hasNotes { try tidyFilters() }
        let (layers, generation) = try writeLock.withLock { () throws(VecStoreError) in
            (try arrange(isEager), self.generation)
        }
        if let layer = layers.moving.first {
            let graph: HNSWIndex
            if let made = layers.graph { graph = made } else { graph = try index.makeGraph() }
            try move(layer, graph, generation)
            return true
        }
        guard let graph = layers.graph else { return false }
        return try removeDead(graph, generation, isEager)
    }

    /// Takes the young layer for one that moves, or its dead rows out of it, where that is due. Under `writeLock`.
    private func arrange(_ isEager: Bool) throws(VecStoreError) -> EntryIndex.Layers {
        var layers = index.current
        if !layers.moving.isEmpty { return layers }
        let least = isEager ? 1 : EntryIndex.portion
        if layers.graph != nil ? layers.young.count >= least : count >= EntryIndex.leastForGraph {
            layers.moving = [layers.young]
            layers.young = try index.makeYoung()
            index.publish(layers)
        } else if layers.graph == nil && deadFlat.count >= (isEager ? 1 : leastDead) {
            let numbers = records.compactMap { $0.map { UInt64($0.number) } }
            let rows = try index.rows(numbers, of: layers.young)
            layers.young = try index.makeYoung()
            try index.add(rows, numbers, to: layers.young)
            index.publish(layers)
            free += deadFlat
            deadFlat = []
        }
        return layers
    }

    /// Brings the rows of a layer into the graph, and drops the layer.
    private func move(_ layer: FlatIndex, _ graph: HNSWIndex, _ generation: Int) throws(VecStoreError) {
        var all = [UInt64](repeating: noID, count: layer.count)
        let count = layer.ids(offset: 0, capacity: all.count, &all)
        all.removeLast(all.count - count)
        // What is in the graph already is there from an attempt that failed.
        var isThere = [UInt8](repeating: 0, count: all.count)
        graph.contains(all, all.count, &isThere)
        let left = zip(all, isThere).filter { $0.1 == 0 }.map(\.0)
        var moved = Set(zip(all, isThere).filter { $0.1 != 0 }.map { UInt32(truncatingIfNeeded: $0.0) })
        var from = 0
        while from < left.count {
            let end = min(from + EntryIndex.portion, left.count)
            let (numbers, threads) = writeLock.withLock {
                let seen = searches.load(ordering: .relaxed)
                let isSearched = seen != searchesSeen
                searchesSeen = seen
                let alive = self.generation == generation ? left[from..<end].filter { records[Int($0)] != nil } : []
                return (alive, isSearched ? max(1, ThreadPool.defaultThreads - 1) : ThreadPool.defaultThreads)
            }
            if !numbers.isEmpty {
                let rows = try index.rows(numbers, of: layer)
                try rows.withUnsafeBufferPointer { raw throws(VecStoreError) in
                    guard let base = raw.baseAddress else { return }
                    try graph.add(
                        base, type: .float32, count: numbers.count, ids: numbers, outIDs: nil, threads: threads, progress: nil)
                }
                moved.formUnion(numbers.map { UInt32(truncatingIfNeeded: $0) })
            }
            from = end
        }
        writeLock.withLock {
            guard self.generation == generation else { return }
            var layers = index.current
            layers.moving.removeAll { $0 === layer }
            layers.graph = graph
            index.publish(layers)
            for number in moved { isInGraph[Int(number)] = true }
            let dropped = Set(all.map { UInt32(truncatingIfNeeded: $0) })
            var stillDead: [UInt32] = []
            for number in deadFlat {
                if moved.contains(number) {
                    deadGraph.append(number)
                } else if dropped.contains(number) {
                    free.append(number)
                } else {
                    stillDead.append(number)
                }
            }
            deadFlat = stillDead
        }
    }

    /// Takes rows of entries that are gone out of the graph, many at a time.
    private func removeDead(_ graph: HNSWIndex, _ generation: Int, _ isEager: Bool) throws(VecStoreError) -> Bool {
        let dead = writeLock.withLock {
            self.generation == generation && deadGraph.count >= (isEager ? 1 : leastDead) ? deadGraph : []
        }
        if dead.isEmpty { return false }
        _ = try graph.remove(dead.map { UInt64($0) }, dead.count)
        writeLock.withLock {
            guard self.generation == generation else { return }
            // Those that died meanwhile stand behind these.
            deadGraph.removeFirst(dead.count)
            for number in dead { isInGraph[Int(number)] = false }
            free += dead
        }
        return true
    }

    /// What went wrong last in the background, where nothing has gone right since.
    var lastWorkFailure: VecStoreError? { lock.withLock { workFailure } }

    /// Does all there is to do, on the calling thread.
    func settle() throws(VecStoreError) { while try upkeep(isEager: true) {} }

    /// Milliseconds until an entry may end; nil: none will.
    func nextEnd() -> Int64? {
        let next = writeLock.withLock {
            isWatched = expiries.next != nil
            return expiries.next
        }
        return next.map { max(0, $0.subtractingReportingOverflow(now).partialValue) }
    }
}
