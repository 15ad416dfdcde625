// SPDX-License-Identifier: Apache-2.0

import Synchronization
import VecIndex
import VecKernelTypes

/// What a process knows of the entries of a namespace, in memory.
///
/// An entry has a number, which is its row in the index, its bit in filters, and its place among the records. A number is given again
/// only when no layer of the index has a row of it any more. Whoever searches notes the serial number of the last record before
/// that: a record with a later one has come meanwhile, and its number may have belonged to another.
package final class EntryTable: CacheSink, @unchecked Sendable {
    // Safety: what is said to be the writer's is touched under `writeLock`; records and what finds them are changed under both
    // locks, and read under one of them.

    let dimension: Int
    let entrySize: EntrySize
    let index: EntryIndex
    let filters = LiveFilters()
    let counters: CacheCounters
    let bounds: CacheBounds
    private let clock: WallClock
    /// Called where there is work for the background.
    let wake: @Sendable () -> Void

    let writeLock = Lock()
    let lock = Lock()
    /// By number.
    var records: [EntryRecord?] = []
    private var byID: [EntryID: UInt32] = [:]
    private var prompts = PromptTable()
    /// Of the last record that came.
    private(set) var serial: UInt64 = 0
    /// Entries that there are, and what they take.
    private(set) var count = 0
    private(set) var bytes = 0

    /// The writer's.
    var evictions: EvictionQueue
    var expiries = ExpiryQueue()
    /// Numbers that may be given again, and those whose rows are still in a layer that is compared row by row, or in the graph.
    var free: [UInt32] = []
    var deadFlat: [UInt32] = []
    var deadGraph: [UInt32] = []
    /// By number: whether its row is in the graph.
    var isInGraph: [Bool] = []
    /// The writer's: entries that have come since filters took in what they had noted.
    var changes = 0
    /// The writer's: whether the background watches for ends.
    var isWatched = false
    /// Rises whenever all begins anew.
    var generation = 0

    /// Held by whoever brings rows into the graph.
    let workLock = Lock()
    /// What went wrong there last; under `lock`.
    var workFailure: VecStoreError?
    /// Searches that there were: the background leaves a processor to those that go on.
    let searches = Atomic<Int>(0)
    /// The writer's: `searches` when the background last looked.
    var searchesSeen = 0

    private let uses = Atomic<UInt64>(0)
    private let inflation = Atomic<UInt64>(0)

    init(
        dimension: Int, type: ElementType, bounds: CacheBounds, policy: EvictionPolicy, counters: CacheCounters,
        clock: @escaping WallClock, wake: @escaping @Sendable () -> Void
    ) throws(VecStoreError) {
        self.dimension = dimension
        entrySize = EntrySize(dimension: dimension, type: type)
        self.bounds = bounds
        self.counters = counters
        self.clock = clock
        self.wake = wake
        index = try EntryIndex(dimension: dimension, type: type)
        evictions = EvictionQueue(policy, entrySize)
    }

    var now: Int64 { clock() }

    // MARK: - Putting

    package func put(_ entries: [CacheEntry]) throws(VecStoreError) -> Departed {
        for entry in entries where entry.vector.count != dimension {
            throw VecStoreError(
                .corrupt, "the entry \(entry.id) has a vector of \(entry.vector.count) elements: the cache has dim \(dimension)")
        }
        var departed = Departed()
        try writeLock.withLock { () throws(VecStoreError) in
            departed.expired = sweepAlone()
            var from = 0
            while from < entries.count {
                let batch = entries[from..<min(from + bounds.portion, entries.count)]
                // First: otherwise what has just come and was never used would go first.
                departed.evicted += makeRoom(for: batch)
                try install(batch)
                departed.evicted += evictAlone()
                from = batch.endIndex
            }
            changes += entries.count
        }
        wakeIfDue()
        return departed
    }

    /// Under `writeLock`.
    private func install(_ batch: ArraySlice<CacheEntry>) throws(VecStoreError) {
        // Of an id that comes twice the last one counts.
        var seen = Set<EntryID>()
        let entries = batch.count == 1 ? Array(batch) : batch.reversed().filter { seen.insert($0.id).inserted }.reversed()
        let numbers = takeNumbers(entries.count)
        var rows: [Float] = []
        rows.reserveCapacity(entries.count &* dimension)
        for entry in entries { rows += entry.vector }
        let use = uses.add(UInt64(entries.count), ordering: .relaxed).oldValue
        var new: [EntryRecord] = []
        new.reserveCapacity(entries.count)
        for (i, entry) in entries.enumerated() {
            new.append(
                EntryRecord(
                    entry, number: numbers[i], serial: serial &+ 1 &+ UInt64(i), use: use &+ UInt64(i),
                    inflation: evictions.inflation))
        }
        do throws(VecStoreError) {
            // Before anybody can find them: then filters say of each number what they say of the entry that it has now.
            try filters.note(new)
            try index.add(rows, numbers.map { UInt64($0) }, seals: count >= EntryIndex.leastForGraph)
        } catch {
            free += numbers
            throw error
        }
        var gone: [EntryRecord] = []
        lock.lock()
        for record in new {
            if let old = byID[record.id], let record = kill(old) { gone.append(record) }
            records[Int(record.number)] = record
            byID[record.id] = record.number
            prompts.add(record.number, PromptTable.hash(record.prompt))
            bytes &+= entrySize.bytes(record)
        }
        count += new.count
        serial &+= UInt64(new.count)
        lock.unlock()
        // Released here, after the lock: freeing memory takes time.
        withExtendedLifetime(gone) {}
        for record in new {
            if bounds.isBounded { evictions.add(record) }
            expiries.add(record)
        }
        evictions.tidy(records, alive: count)
        expiries.tidy(records, alive: count)
    }

    /// Under `writeLock`.
    private func takeNumbers(_ wanted: Int) -> [UInt32] {
        var numbers: [UInt32] = []
        numbers.reserveCapacity(wanted)
        while numbers.count < wanted, let number = free.popLast() { numbers.append(number) }
        let missing = wanted - numbers.count
        if missing > 0 {
            let first = records.count
            lock.withLock { records += [EntryRecord?](repeating: nil, count: missing) }
            isInGraph += [Bool](repeating: false, count: missing)
            numbers += (first..<(first + missing)).map { UInt32(truncatingIfNeeded: $0) }
        }
        return numbers
    }

    // MARK: - Taking out

    package func remove(_ ids: [EntryID]) -> Int {
        let gone = writeLock.withLock {
            lock.withLock { ids.compactMap { id in byID[id].flatMap { kill($0) } } }
        }
        if !gone.isEmpty { wakeIfDue() }
        return gone.count
    }

    /// Takes out the record of a number. Under both locks.
    private func kill(_ number: UInt32) -> EntryRecord? {
        guard let record = records[Int(number)] else { return nil }
        records[Int(number)] = nil
        byID[record.id] = nil
        prompts.remove(number, PromptTable.hash(record.prompt))
        count -= 1
        bytes &-= entrySize.bytes(record)
        if isInGraph[Int(number)] { deadGraph.append(number) } else { deadFlat.append(number) }
        return record
    }

    package func clear() throws(VecStoreError) -> Int {
        let layers = EntryIndex.Layers(young: try index.makeYoung())
        return writeLock.withLock {
            let gone = lock.withLock {
                let gone = (records, byID, prompts, count)
                records = []
                byID = [:]
                prompts.removeAll()
                count = 0
                bytes = 0
                return gone
            }
            evictions.removeAll()
            expiries.removeAll()
            free = []
            deadFlat = []
            deadGraph = []
            isInGraph = []
            generation += 1
            filters.removeAll()
            index.publish(layers)
            return gone.3
        }
    }

    /// Takes out entries whose end has come.
    package func sweep() -> [EntryID] { writeLock.withLock { sweepAlone() } }

    private func sweepAlone() -> [EntryID] {
        let now = clock()
        guard let next = expiries.next, next <= now else { return [] }
        var gone: [EntryRecord] = []
        while let record = expiries.due(at: now, { records[Int($0)] }) {
            lock.withLock { if let record = kill(record.number) { gone.append(record) } }
        }
        counters.expired.add(gone.count, ordering: .relaxed)
        return gone.map(\.id)
    }

    /// Evicts entries that have to go for others.
    private func makeRoom(for batch: ArraySlice<CacheEntry>) -> [EntryID] {
        guard bounds.isBounded else { return [] }
        var moreEntries = 0, moreBytes = 0
        for entry in batch {
            moreBytes &+= entrySize.bytes(entry)
            if let old = byID[entry.id].flatMap({ records[Int($0)] }) {
                moreBytes &-= entrySize.bytes(old)
            } else {
                moreEntries += 1
            }
        }
        return evictAlone(entries: moreEntries, bytes: moreBytes)
    }

    /// Evicts entries until the bounds hold for those that there are and some that come besides.
    private func evictAlone(entries: Int = 0, bytes more: Int = 0) -> [EntryID] {
        var gone: [EntryRecord] = []
        while bounds.isExceeded(entries: count + entries, bytes: bytes + more) {
            guard let record = evictions.next({ records[Int($0)] }) else { break }
            lock.withLock { if let record = kill(record.number) { gone.append(record) } }
        }
        inflation.store(evictions.inflation.bitPattern, ordering: .relaxed)
        counters.evictions.add(gone.count, ordering: .relaxed)
        return gone.map(\.id)
    }

    // MARK: - Changing

    package func setNegatives(_ id: EntryID, _ negatives: [[Float]]) {
        guard negatives.allSatisfy({ $0.count == dimension }) else { return }
        writeLock.withLock {
            lock.withLock {
                guard let number = byID[id], let old = records[Int(number)] else { return }
                let new = EntryRecord(old, negatives: negatives)
                records[Int(number)] = new
                bytes &+= entrySize.bytes(new) &- entrySize.bytes(old)
            }
        }
    }

    package func setExpires(_ id: EntryID, _ time: Int64?) {
        writeLock.withLock {
            guard let record = find(id) else { return }
            record.setExpires(time)
            expiries.add(record)
        }
        wakeIfDue()
    }

    /// A hit.
    func noteUse(_ record: EntryRecord) {
        record.noteUse(
            uses.add(1, ordering: .relaxed).oldValue, inflation: Double(bitPattern: inflation.load(ordering: .relaxed)))
    }

    // MARK: - Reading

    func find(_ id: EntryID) -> EntryRecord? { lock.withLock { byID[id].flatMap { records[Int($0)] } } }

    package func contains(_ id: EntryID) -> Bool { find(id) != nil }

    package var ids: [EntryID] { lock.withLock { Array(byID.keys) } }

    /// All entries that there are.
    var allRecords: [EntryRecord?] { lock.withLock { records } }

    /// Entries that there are, and bytes that they take.
    var size: (entries: Int, bytes: Int) { lock.withLock { (count, bytes) } }

    /// The records of some numbers, and the entries of a prompt, need the lock for no longer than it takes to look them up.
    func records(_ numbers: [EntryIndex.Candidate]) -> [EntryRecord?] {
        lock.withLock { numbers.map { Int($0.number) < records.count ? records[Int($0.number)] : nil } }
    }

    /// The last record that came.
    var lastSerial: UInt64 { lock.withLock { serial } }

    /// The entry of a prompt that came last, among those that pass.
    func newest(of prompt: [UInt8], _ passes: (EntryRecord) -> Bool) -> EntryRecord? {
        let hash = PromptTable.hash(prompt)
        return lock.withLock {
            var newest: EntryRecord?
            prompts.forEach(hash) { number in
                guard let record = records[Int(number)], record.hasPrompt(prompt), passes(record) else { return true }
                newest = record
                return false
            }
            return newest
        }
    }
}
