// SPDX-License-Identifier: Apache-2.0

/// Entries in the order in which they go.
///
/// Uses only raise what an entry is worth, and do not touch the queue: an entry that comes to the top with less than it is
/// worth by now goes down again. So a hit costs the queue nothing, and the order is exact all the same.
struct EvictionQueue {
    let policy: EvictionPolicy
    private let size: EntrySize
    private var heap = MinHeap<Place>()
    /// What the last entry that went was worth: new ones begin with it, so that those which were used much long ago age.
    private(set) var inflation = 0.0

    private struct Place: Comparable {
        var value: Double
        var use: UInt64
        var number: UInt32
        var serial: UInt64

        static func < (a: Place, b: Place) -> Bool { a.value != b.value ? a.value < b.value : a.use < b.use }
    }

    init(_ policy: EvictionPolicy, _ size: EntrySize) {
        self.policy = policy
        self.size = size
    }

    mutating func add(_ record: EntryRecord) {
        let (value, use) = record.priority(policy, size)
        heap.insert(Place(value: value, use: use, number: record.number, serial: record.serial))
    }

    /// The entry that goes next, taken out of the queue.
    /// - Parameter record: The record that has a number now.
    mutating func next(_ record: (UInt32) -> EntryRecord?) -> EntryRecord? {
        while let place = heap.removeFirst() {
            guard let record = record(place.number), record.serial == place.serial else { continue }
            let (value, use) = record.priority(policy, size)
            if value > place.value || use > place.use {
                add(record)
                continue
            }
            inflation = max(inflation, value)
            return record
        }
        return nil
    }

    /// Drops places of entries that went otherwise, where these are most.
    mutating func tidy(_ records: [EntryRecord?], alive: Int) {
        guard heap.count > 2 * alive + 1024 else { return }
        heap.removeAll()
        for case let record? in records { add(record) }
    }

    mutating func removeAll() { heap.removeAll() }
}
