// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// A key and a row that has it.
struct SortedEntry: BitwiseCopyable {
    var key: UInt64
    var row: UInt32
    /// Fills the stride: who copies an entry by its stride reads no byte that is not its own.
    private let padding: UInt32 = 0

    init(key: UInt64, row: UInt32) {
        self.key = key
        self.row = row
    }
}

extension Column where Element == SortedEntry {
    /// Orders entries, whose rows ascend, by key: those of one key by row. A radix sort by the bytes of keys that differ, from
    /// the last to the first (Knuth, The Art of Computer Programming, volume 3, section 5.2.5, algorithm R).
    /// - Returns: The sorted ones: itself, or a copy.
    func sortedByKey() throws(VecStoreError) -> Column<SortedEntry> {
        let count = count
        var isSorted = true
        var differences: UInt64 = 0
        for i in 1..<max(count, 1) {
            isSorted = isSorted && base[i - 1].key <= base[i].key
            differences |= base[i].key ^ base[0].key
        }
        if isSorted { return self }
        let other = try Column("entries to sort", capacity: count)
        other.setCount(count)
        let digits = try allocate(Int.self, 256, for: "a table of digits")
        let places = digits.pointer(Int.self)
        var from = self, to = other
        for shift in stride(from: UInt64(0), to: 64, by: 8) where (differences >> shift) & 255 != 0 {
            let source = from.base, target = to.base
            places.update(repeating: 0, count: 256)
            for i in 0..<count { places[Int((source[i].key >> shift) & 255)] &+= 1 }
            var sum = 0
            for digit in 0..<256 {
                let before = sum
                sum &+= places[digit]
                places[digit] = before
            }
            for i in 0..<count {
                let digit = Int((source[i].key >> shift) & 255)
                target[places[digit]] = source[i]
                places[digit] &+= 1
            }
            swap(&from, &to)
        }
        return from
    }
}
