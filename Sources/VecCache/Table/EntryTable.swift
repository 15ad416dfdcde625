// SPDX-License-Identifier: Apache-2.0

import Synchronization
import VecIndex
import VecKernelTypes

/// What a process knows of the entries of a namespace, in memory.
///
/// An entry has a number, which is its row in the index, its bit in filters, and its place among the records. A number is
/// given again only when no layer of the index has a row of it any more. Whoever searches notes the serial number of the last
/// record before that: a record with a later one has come meanwhile, and its number may have belonged to another.
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
    var byID: [EntryID: UInt32] = [:]
    var prompts = PromptTable()
    /// Of the last record that came.
    var serial: UInt64 = 0
    /// Of the last record that took the place of another.
    var replacing: UInt64 = 0
    /// Entries that there are, and what they take.
    var count = 0
    var bytes = 0

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

    let uses = Atomic<UInt64>(0)
    let inflation = Atomic<UInt64>(0)

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

    // MARK: - Taking out

    package func remove(_ ids: [EntryID]) -> Int {
        let gone = writeLock.withLock {
            lock.withLock { ids.compactMap { id in byID[id].flatMap { kill($0) } } }
        }
        if !gone.isEmpty { wakeIfDue() }
        return gone.count
    }

    /// Takes out the record of a number. Under both locks.
    func kill(_ number: UInt32) -> EntryRecord? {
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

    package func putOff(_ id: EntryID, until time: Int64) {
        guard let end = find(id)?.expires, end < time else { return }
        setExpires(id, time)
    }

    package func noteFailure(_ error: VecStoreError) { counters.failure.note(error, at: now) }

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

    /// Whether an entry has taken the place of another since a moment.
    func hasReplaced(since moment: Moment) -> Bool { lock.withLock { replacing } > moment.serial }

    /// The entry of a prompt that was set last, among those that pass. Those that a store had come in any order.
    func newest(of prompt: [UInt8], _ passes: (EntryRecord) -> Bool) -> EntryRecord? {
        let hash = PromptTable.hash(prompt)
        return lock.withLock {
            var newest: EntryRecord?
            prompts.forEach(hash) { number in
                guard let record = records[Int(number)], record.hasPrompt(prompt), passes(record) else { return }
                if newest.map({ ($0.created, $0.serial) < (record.created, record.serial) }) ?? true { newest = record }
            }
            return newest
        }
    }
}
