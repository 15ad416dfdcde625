// SPDX-License-Identifier: Apache-2.0

/// Entries in the order in which they end. An end that was put off is noticed when it comes to the top.
struct ExpiryQueue {
    private var heap = MinHeap<Place>()

    private struct Place: Comparable {
        var time: Int64
        var number: UInt32
        var serial: UInt64

        static func < (a: Place, b: Place) -> Bool { a.time < b.time }
    }

    /// When the next entry ends, or later.
    var next: Int64? { heap.first?.time }

    mutating func add(_ record: EntryRecord) {
        guard let time = record.expires else { return }
        heap.insert(Place(time: time, number: record.number, serial: record.serial))
    }

    /// Takes out an entry whose end has come.
    mutating func due(at now: Int64, _ record: (UInt32) -> EntryRecord?) -> EntryRecord? {
        while let place = heap.first, place.time <= now {
            _ = heap.removeFirst()
            guard let record = record(place.number), record.serial == place.serial else { continue }
            if record.isExpired(at: now) { return record }
            add(record)
        }
        return nil
    }

    mutating func tidy(_ records: [EntryRecord?], alive: Int) {
        guard heap.count > 2 * alive + 1024 else { return }
        heap.removeAll()
        for case let record? in records { add(record) }
    }

    mutating func removeAll() { heap.removeAll() }
}
