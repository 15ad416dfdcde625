// SPDX-License-Identifier: Apache-2.0

/// Numbers of rows, ordered by the list that each goes into; rows of one list stay in order.
struct ListGroups {
    /// Lists that have any, in order.
    let lists: [Int]
    /// Positions in the array that was sorted.
    let entries: UnsafePointer<UInt32>
    /// Where the entries of each of `lists` begin, and where the last ones end.
    private let bounds: [Int]
    private let memory: Buffer

    init(_ list: UnsafePointer<UInt32>, _ count: Int, nlist: Int) throws(VecStoreError) {
        for i in 0..<count where Int(list[i]) >= nlist {
            throw VecStoreError(.internalError, "a row is in list \(list[i]) of \(nlist)")
        }
        memory = try allocate(UInt32.self, count, for: "the order of \(count) rows")
        let entries = memory.pointer(UInt32.self)
        self.entries = UnsafePointer(entries)
        // A few rows are sorted without a look at all lists.
        let isSmall = count < nlist / 8
        if isSmall {
            let keyMemory = try allocate(UInt64.self, count, for: "the order of \(count) rows")
            var keys = UnsafeMutableBufferPointer(start: keyMemory.pointer(UInt64.self), count: count)
            for i in 0..<count { keys[i] = UInt64(list[i]) << 32 | UInt64(UInt32(truncatingIfNeeded: i)) }
            keys.sort()
            for i in 0..<count { entries[i] = UInt32(truncatingIfNeeded: keys[i]) }
        } else {
            let startMemory = try allocate(Int.self, nlist + 1, for: "the order of \(nlist) lists")
            let starts = startMemory.pointer(Int.self)
            for i in 0..<count { starts[Int(list[i]) + 1] += 1 }
            for l in 0..<nlist { starts[l + 1] += starts[l] }
            for i in 0..<count {
                let l = Int(list[i])
                entries[starts[l]] = UInt32(truncatingIfNeeded: i)
                starts[l] += 1
            }
        }
        var lists: [Int] = [], bounds: [Int] = []
        for e in 0..<count {
            let l = Int(list[Int(entries[e])])
            if lists.last != l {
                lists.append(l)
                bounds.append(e)
            }
        }
        bounds.append(count)
        self.lists = lists
        self.bounds = bounds
    }

    /// The entries of `lists[i]`.
    func range(_ i: Int) -> Range<Int> { bounds[i]..<bounds[i + 1] }
}
