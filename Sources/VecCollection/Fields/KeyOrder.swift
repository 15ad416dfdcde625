// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The numbers of the keys of a table in the order of the keys' bytes. Made when it is asked for.
final class KeyOrder {
    private let lock = Lock()
    private var sorted: Column<UInt32>?

    var bytes: Int { lock.withLock { sorted?.bytes ?? 0 } }

    /// The numbers of all keys of `table`. Many threads may ask at once while nobody changes the table; the answer is right until
    /// that happens.
    func numbers(_ table: KeyTable) throws(VecStoreError) -> Column<UInt32> {
        try lock.withLock { () throws(VecStoreError) in
            if let sorted, sorted.count == table.count { return sorted }
            let next = try merged(table)
            sorted = next
            return next
        }
    }

    /// Keys were numbered anew.
    func forget() { lock.withLock { sorted = nil } }

    private func merged(_ table: KeyTable) throws(VecStoreError) -> Column<UInt32> {
        let known = sorted?.count ?? 0
        let new = try Column<UInt32>("the order of keys", capacity: table.count - known)
        for number in known..<table.count { new.base[number - known] = UInt32(truncatingIfNeeded: number) }
        new.setCount(table.count - known)
        new.sort { isBefore(table[Int($0)], table[Int($1)]) }
        guard let sorted else { return new }
        let result = try Column<UInt32>("the order of keys", capacity: table.count)
        var old = 0
        for i in 0..<new.count {
            while old < known, isBefore(table[Int(sorted.base[old])], table[Int(new.base[i])]) {
                result.base[old + i] = sorted.base[old]
                old += 1
            }
            result.base[old + i] = new.base[i]
        }
        (result.base + old + new.count).update(from: sorted.base + old, count: known - old)
        result.setCount(table.count)
        return result
    }
}
