// SPDX-License-Identifier: Apache-2.0

/// Finds the slot of an id.
enum IDLookup {
    /// A hash table, for an index in memory.
    case table(IDMap)
    /// The ids of a file, with their order: nil where they ascend as they are.
    case sorted(ids: UnsafePointer<UInt64>, order: UnsafePointer<UInt32>?, count: Int)

    /// Bytes of memory held: none for a file.
    var bytes: Int { if case .table(let map) = self { map.bytes } else { 0 } }

    func slot(of id: UInt64) -> UInt32? {
        switch self {
        case .table(let map): return map.slot(of: id)
        case .sorted(let ids, let order, let count):
            var low = 0
            var high = count
            while low < high {
                let middle = (low + high) / 2
                let slot = order.map { Int($0[middle]) } ?? middle
                // A damaged file may name any slot: it must not be followed.
                guard slot < count else { return nil }
                if ids[slot] == id { return UInt32(truncatingIfNeeded: slot) }
                if ids[slot] < id { low = middle + 1 } else { high = middle }
            }
            return nil
        }
    }

    /// Rises whenever an id gets or loses a slot; those of a file never do.
    var changes: Int { if case .table(let map) = self { map.changes } else { 0 } }

    /// Whether the slots of many ids are found in about the time that it takes to write them down.
    var isFast: Bool { if case .table(let map) = self { map.isDense } else { true } }

    /// Calls `body` with the slots of those ids whose bits are set.
    func forEachSlot(_ bits: UnsafePointer<UInt8>, _ bitCount: UInt64, _ body: (UInt32) -> Void) {
        switch self {
        case .table(let map):
            forEachBit(bits, bitCount) { if let slot = map.slot(of: $0) { body(slot) } }
        case .sorted(let ids, let order, let count):
            // Ids ascend and differ, so none lies farther behind the last one looked for than it is larger.
            var before = (place: -1, next: UInt64(0))
            forEachBit(bits, bitCount) { id in
                var low = before.place + 1
                var high = Int(truncatingIfNeeded: min(UInt64(low) + (id - before.next), UInt64(count)))
                // Where no id is missing it is there.
                var probe = high
                var found: UInt32?
                if probe == count {
                    high -= 1
                    probe = (low + high) / 2
                }
                while low <= high {
                    let slot = order.map { Int($0[probe]) } ?? probe
                    // A damaged file may name any slot: it must not be followed.
                    guard slot < count else { return }
                    if ids[slot] == id {
                        found = UInt32(truncatingIfNeeded: slot)
                        low = probe
                        break
                    }
                    if ids[slot] < id { low = probe + 1 } else { high = probe - 1 }
                    probe = (low + high) / 2
                }
                before = (found == nil ? low - 1 : low, id + 1)
                if let found { body(found) }
            }
        }
    }

    /// For each id 1 where it is there, else 0.
    func mark(_ ids: UnsafePointer<UInt64>, _ count: Int, _ found: UnsafeMutablePointer<UInt8>) {
        for i in 0..<count { found[i] = slot(of: ids[i]) == nil ? 0 : 1 }
    }

    /// Refuses ids that are there, or that are none.
    func checkNew(_ ids: UnsafePointer<UInt64>, _ count: Int) throws(VecStoreError) {
        try checkNewIDs(ids, count) { slot(of: ids[$0]) != nil }
    }

    /// Checks the ids of a file: each is there once, in order, and none will be assigned again.
    func verify(nextID: UInt64, _ path: String) throws(VecStoreError) {
        guard case .sorted(let ids, let order, let count) = self else { return }
        var before: UInt64?
        for i in 0..<count {
            let slot = order.map { Int($0[i]) } ?? i
            guard slot < count, ids[slot] != noID, before.map({ $0 < ids[slot] }) ?? true else {
                throw VecStoreError(.corrupt, "'\(path)' has ids that are out of order, twice there, or none")
            }
            before = ids[slot]
        }
        guard before.map({ nextID > $0 || nextID == noID }) ?? true else {
            throw VecStoreError(.corrupt, "'\(path)' would assign an id that it has already")
        }
    }
}

/// Calls `body` with the numbers of the bits that are set, in order.
@inline(__always)
private func forEachBit(_ bits: UnsafePointer<UInt8>, _ count: UInt64, _ body: (UInt64) -> Void) {
    let raw = UnsafeRawPointer(bits)
    var bit: UInt64 = 0
    while bit + 64 <= count {
        var word = raw.loadUnaligned(fromByteOffset: Int(bit / 8), as: UInt64.self).littleEndian
        while word != 0 {
            body(bit + UInt64(word.trailingZeroBitCount))
            word &= word &- 1
        }
        bit += 64
    }
    while bit < count {
        if bits[Int(bit / 8)] & (1 << UInt8(bit & 7)) != 0 { body(bit) }
        bit += 1
    }
}
