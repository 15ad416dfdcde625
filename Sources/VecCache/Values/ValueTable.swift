// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Values by their keys, in memory. Where there are more than there may be, those go that were not used for the longest time.
final class ValueTable: @unchecked Sendable {
    // Safety: all that changes is touched under `lock`.

    private struct Entry {
        var value: NewValue
        /// When its end comes; `Int64.max`: never.
        var end: Int64
        /// Tells this entry from others that had its place before.
        var serial: UInt64
        /// The neighbours in the order of use; −1: none.
        var newer: Int
        var older: Int
    }

    private struct Ending: Comparable {
        var end: Int64
        var place: Int
        var serial: UInt64

        static func < (a: Ending, b: Ending) -> Bool { a.end < b.end }
    }

    private let lock = Lock()
    private let maxEntries: Int
    private let maxBytes: Int
    /// nil: nobody counts what goes.
    private let counters: ValueCounters?
    private var places: [[UInt8]: Int] = [:]
    private var entries: [Entry?] = []
    private var free: [Int] = []
    private var endings = MinHeap<Ending>()
    private var newest = -1
    private var oldest = -1
    private var bytes = 0
    private var serial: UInt64 = 0

    init(maxEntries: Int?, maxBytes: Int?, _ counters: ValueCounters?) {
        self.maxEntries = maxEntries ?? .max
        self.maxBytes = maxBytes ?? .max
        self.counters = counters
    }

    var size: (entries: Int, bytes: Int) { lock.withLock { (places.count, bytes) } }

    /// The value of each key whose end has not come.
    func get(_ keys: [[UInt8]], now: Int64) -> [[UInt8]?] {
        lock.withLock {
            keys.map { key in
                guard let place = places[key], let entry = entries[place] else { return nil }
                guard entry.end > now else {
                    counters?.expired.add(1, ordering: .relaxed)
                    drop(place)
                    return nil
                }
                use(place)
                return entry.value.value
            }
        }
    }

    func put(_ values: [NewValue], end: Int64, now: Int64) {
        lock.withLock {
            dropExpired(now)
            for value in values { put(value, end) }
            while places.count > maxEntries || bytes > maxBytes, oldest >= 0 {
                counters?.evictions.add(1, ordering: .relaxed)
                drop(oldest)
            }
        }
    }

    /// - Returns: How many were there whose end has not come.
    func remove(_ keys: [[UInt8]], now: Int64) -> Int {
        lock.withLock {
            keys.count { key in
                guard let place = places[key], let entry = entries[place] else { return false }
                drop(place)
                return entry.end > now
            }
        }
    }

    /// - Returns: How many were there whose end has not come.
    func removeAll(now: Int64) -> Int {
        lock.withLock {
            dropExpired(now)
            let count = places.count
            places = [:]
            entries = []
            free = []
            endings.removeAll()
            (newest, oldest, bytes) = (-1, -1, 0)
            return count
        }
    }

    /// Lets go of what nobody may see any more.
    func sweep(now: Int64) { lock.withLock { dropExpired(now) } }

    // MARK: - Under the lock

    private func put(_ value: NewValue, _ end: Int64) {
        if let place = places[value.key] { drop(place) }
        serial += 1
        let entry = Entry(value: value, end: end, serial: serial, newer: -1, older: -1)
        let place: Int
        if let last = free.popLast() {
            place = last
            entries[place] = entry
        } else {
            place = entries.count
            entries.append(entry)
        }
        places[value.key] = place
        bytes += value.size
        link(place)
        guard end < .max else { return }
        endings.insert(Ending(end: end, place: place, serial: serial))
        // Entries that went before their end leave their endings behind.
        guard endings.count > 2 * places.count + 1024 else { return }
        endings.removeAll()
        for (place, entry) in entries.enumerated() {
            if let entry, entry.end < .max { endings.insert(Ending(end: entry.end, place: place, serial: entry.serial)) }
        }
    }

    private func dropExpired(_ now: Int64) {
        while let first = endings.first, first.end <= now {
            _ = endings.removeFirst()
            guard entries.indices.contains(first.place), let entry = entries[first.place], entry.serial == first.serial else {
                continue
            }
            counters?.expired.add(1, ordering: .relaxed)
            drop(first.place)
        }
    }

    private func drop(_ place: Int) {
        guard let entry = entries[place] else { return }
        unlink(place)
        places[entry.value.key] = nil
        bytes -= entry.value.size
        entries[place] = nil
        free.append(place)
    }

    private func use(_ place: Int) {
        if place == newest { return }
        unlink(place)
        link(place)
    }

    private func link(_ place: Int) {
        entries[place]?.newer = -1
        entries[place]?.older = newest
        if newest >= 0 { entries[newest]?.newer = place } else { oldest = place }
        newest = place
    }

    private func unlink(_ place: Int) {
        guard let entry = entries[place] else { return }
        if entry.newer >= 0 { entries[entry.newer]?.older = entry.older } else { newest = entry.older }
        if entry.older >= 0 { entries[entry.older]?.newer = entry.newer } else { oldest = entry.newer }
    }
}
