// SPDX-License-Identifier: Apache-2.0

/// Numbers of rows, ordered by the list that each goes into: counting sort, so rows of one list stay in order.
struct ListGroups {
    /// Lists that have any, in order.
    let lists: [Int]
    /// Positions in the array that was sorted.
    let entries: UnsafePointer<UInt32>
    private let starts: UnsafePointer<Int>
    private let memory: [Buffer]

    init(_ list: UnsafePointer<UInt32>, _ count: Int, nlist: Int) throws(VecStoreError) {
        let startMemory = try allocate(Int.self, nlist + 1, for: "the order of \(nlist) lists")
        let entryMemory = try allocate(UInt32.self, count, for: "the order of \(count) rows")
        let starts = startMemory.pointer(Int.self), entries = entryMemory.pointer(UInt32.self)
        for i in 0..<count {
            guard Int(list[i]) < nlist else { throw VecStoreError(.internalError, "a row is in list \(list[i]) of \(nlist)") }
            starts[Int(list[i]) + 1] += 1
        }
        var used: [Int] = []
        for l in 0..<nlist {
            if starts[l + 1] > 0 { used.append(l) }
            starts[l + 1] += starts[l]
        }
        for i in 0..<count {
            let l = Int(list[i])
            entries[starts[l]] = UInt32(truncatingIfNeeded: i)
            starts[l] += 1
        }
        // Each start has moved to where the next list began.
        for l in stride(from: nlist, to: 0, by: -1) { starts[l] = starts[l - 1] }
        starts[0] = 0
        lists = used
        self.entries = UnsafePointer(entries)
        self.starts = UnsafePointer(starts)
        memory = [startMemory, entryMemory]
    }

    func range(_ list: Int) -> Range<Int> { starts[list]..<starts[list + 1] }
}
