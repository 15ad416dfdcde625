// SPDX-License-Identifier: Apache-2.0

import VecIndex

// Entries come, and others go for them.

extension EntryTable {
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
            // It may have come again in a later portion.
            departed.evicted.removeAll { byID[$0] != nil }
            departed.expired.removeAll { byID[$0] != nil }
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
            // What was noted of these records must not be taken for what is known of those that get their numbers.
            lock.withLock { serial &+= UInt64(entries.count) }
            throw error
        }
        var gone: [EntryRecord] = []
        lock.lock()
        for record in new {
            if let old = byID[record.id], let old = kill(old) {
                gone.append(old)
                replacing = record.serial
            }
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

    // MARK: - What goes

    /// Takes out entries whose end has come.
    package func sweep() -> [EntryID] { writeLock.withLock { sweepAlone() } }

    private func sweepAlone() -> [EntryID] {
        let now = now
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
}
