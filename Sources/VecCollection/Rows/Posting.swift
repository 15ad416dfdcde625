// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The rows of one value. A single row is held in place, some are a sorted list, and many are a bitmap: from where that is the
/// smaller, at one row of 32.
struct Posting: ~Copyable {
    private var only: UInt32 = 0
    private var list: Column<UInt32>?
    private var bitmap: RowSet?
    private(set) var count = 0

    /// Below this no bitmap is worth its object.
    private static let leastOfBitmap = 64

    init() {}

    /// - Parameter rows: They ascend.
    init(_ rows: UnsafeBufferPointer<UInt32>) throws(VecStoreError) {
        guard let last = rows.last else { return }
        let span = Int(last) + 1
        if rows.count >= Posting.leastOfBitmap, rows.count * 32 > span {
            let bitmap = try RowSet(span: span)
            for row in rows { bitmap.insert(row) }
            self.bitmap = bitmap
        } else if rows.count > 1 {
            let list = try Column<UInt32>("the rows of a value", capacity: rows.count)
            try list.append(contentsOf: rows)
            self.list = list
        }
        only = last
        count = rows.count
    }

    /// Bytes of memory behind it.
    var bytes: Int { (list?.bytes ?? 0) + (bitmap?.bytes ?? 0) }

    /// What it costs to go through it, in rows of a list.
    var cost: Int { bitmap.map { $0.wordCount } ?? count }

    func contains(_ row: UInt32) -> Bool {
        if let bitmap { return bitmap.contains(row) }
        if let list {
            let place = list.elements.lowerBound(row)
            return place < list.count && list.base[place] == row
        }
        return count == 1 && only == row
    }

    // MARK: - Changing

    /// - Returns: Whether it is new. Where it throws, nothing has changed.
    mutating func insert(_ row: UInt32) throws(VecStoreError) -> Bool {
        if bitmap != nil {
            return try insertIntoBitmap(row)
        }
        if let list {
            return try insert(row, into: list)
        }
        if count == 0 {
            only = row
            count = 1
            return true
        }
        if only == row { return false }
        let list = try Column<UInt32>("the rows of a value", capacity: 4)
        try list.append(min(only, row))
        try list.append(max(only, row))
        self.list = list
        count = 2
        return true
    }

    private mutating func insertIntoBitmap(_ row: UInt32) throws(VecStoreError) -> Bool {
        guard let bitmap else { return false }
        if Int(row) >= bitmap.span {
            if (Int(row) + 1) / 64 > count + 1 {
                let list = try makeList(of: bitmap)
                try list.append(row)
                self.list = list
                self.bitmap = nil
                count += 1
                return true
            }
            try bitmap.grow(to: Int(row) + 1)
        } else if bitmap.contains(row) {
            return false
        }
        bitmap.insert(row)
        count += 1
        return true
    }

    private mutating func insert(_ row: UInt32, into list: Column<UInt32>) throws(VecStoreError) -> Bool {
        if list.base[count - 1] < row {
            try list.append(row)
        } else {
            let place = list.elements.lowerBound(row)
            if list.base[place] == row { return false }
            try list.reserve(count + 1)
            withUnsafePointer(to: row) { list.replace(place..<place, with: UnsafeBufferPointer(start: $0, count: 1)) }
        }
        count += 1
        let span = Int(list.base[count - 1]) + 1
        // Without memory for a bitmap it stays a list.
        if count >= Posting.leastOfBitmap, count * 32 > span, let bitmap = try? RowSet(span: span) {
            for place in 0..<count { bitmap.insert(list.base[place]) }
            self.bitmap = bitmap
            self.list = nil
        }
        return true
    }

    /// Needs no memory, so it cannot fail.
    /// - Returns: Whether it was there.
    mutating func remove(_ row: UInt32) -> Bool {
        if let bitmap {
            guard bitmap.contains(row) else { return false }
            bitmap.remove(row)
            count -= 1
            // Half of the density at which it became a bitmap: rows that come and go do not change its form each time.
            if count * 64 < bitmap.span || count < Posting.leastOfBitmap / 2, let list = try? makeList(of: bitmap) {
                self.list = list
                self.bitmap = nil
            }
            return true
        }
        if let list {
            let place = list.elements.lowerBound(row)
            guard place < count, list.base[place] == row else { return false }
            list.replace(place..<(place + 1), with: UnsafeBufferPointer(start: nil, count: 0))
            count -= 1
            if count == 1 {
                only = list.base[0]
                self.list = nil
            } else {
                list.shrink()
            }
            return true
        }
        guard count == 1, only == row else { return false }
        count = 0
        return true
    }

    private func makeList(of bitmap: RowSet) throws(VecStoreError) -> Column<UInt32> {
        let list = try Column<UInt32>("the rows of a value", capacity: count + 1)
        var place = 0
        bitmap.forEach { row in
            list.base[place] = row
            place += 1
            return true
        }
        list.setCount(place)
        return list
    }

    // MARK: - Reading

    /// Adds its rows to `set`.
    func add(to set: RowSet) {
        if let bitmap {
            set.formUnion(bitmap)
        } else {
            forEach { set.insert($0) }
        }
    }

    /// Removes its rows from `set`.
    func subtract(from set: RowSet) {
        if let bitmap {
            set.subtract(bitmap)
        } else {
            forEach { set.remove($0) }
        }
    }

    /// Leaves in `set` only the rows that are its own.
    func intersect(_ set: RowSet) {
        if let bitmap {
            set.formIntersection(bitmap)
            return
        }
        let words = set.words
        var next = 0
        var kept: UInt64 = 0
        forEach { row in
            guard Int(row) < set.span else { return }
            let place = Int(row) >> 6
            if place >= next {
                // `next - 1` is the word that `kept` belongs to.
                if next > 0 { words[next - 1] &= kept }
                (words + next).update(repeating: 0, count: place - next)
                next = place + 1
                kept = 0
            }
            kept |= 1 << UInt64(row & 63)
        }
        if next > 0 { words[next - 1] &= kept }
        (words + next).update(repeating: 0, count: set.wordCount - next)
    }

    /// How many of its rows are in `set`.
    func count(in set: RowSet) -> Int {
        if let bitmap { return bitmap.count(in: set) }
        var sum = 0
        forEach { sum &+= set.contains($0) ? 1 : 0 }
        return sum
    }

    @inline(__always)
    func forEach(_ body: (UInt32) -> Void) {
        if let bitmap {
            bitmap.forEach { row in
                body(row)
                return true
            }
        } else if let list {
            let rows = list.base
            for i in 0..<count { body(rows[i]) }
        } else if count == 1 {
            body(only)
        }
    }
}

extension UnsafeBufferPointer where Element: Comparable {
    /// The first place, of elements that ascend, whose element is not below `element`.
    @inline(__always)
    func lowerBound(_ element: Element) -> Int {
        guard var start = baseAddress else { return 0 }
        let base = start
        var length = count
        // Without a branch that depends on what is compared.
        while length > 1 {
            let half = length / 2
            start = start[half - 1] < element ? start + half : start
            length -= half
        }
        return start - base + (length == 1 && start[0] < element ? 1 : 0)
    }

    /// The first place, of elements that ascend, whose element is above `element`.
    @inline(__always)
    func upperBound(_ element: Element) -> Int {
        guard var start = baseAddress else { return 0 }
        let base = start
        var length = count
        while length > 1 {
            let half = length / 2
            start = start[half - 1] <= element ? start + half : start
            length -= half
        }
        return start - base + (length == 1 && start[0] <= element ? 1 : 0)
    }
}
