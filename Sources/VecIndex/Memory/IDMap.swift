// SPDX-License-Identifier: Apache-2.0

/// Ids to slots: a hash table with linear probing in one buffer (Knuth, The Art of Computer Programming, volume 3,
/// section 6.4, algorithms L and R). Needs outside locking.
///
/// Where ids are the numbers of rows that lie outside of an index, it is a plain list of slots, by id: no more than those rows
/// there can be, and a quarter of the memory.
package final class IDMap {
    private var buffer: Buffer?
    private var mask = 0
    package private(set) var count = 0
    /// Rises whenever an id gets or loses a slot.
    private(set) var changes = 0
    /// The rows whose numbers the ids are.
    private let rows: ExternalRows?

    private struct Entry {
        var id: UInt64
        /// The slot + 1; 0 marks an empty place.
        var slot: UInt64
    }

    package init(rows: ExternalRows? = nil) { self.rows = rows }

    package var bytes: Int { buffer?.size ?? 0 }

    /// Whether finding an id takes no search.
    var isDense: Bool { rows != nil }

    // MARK: - Lists

    /// By id: the slot + 1, or 0.
    private var list: UnsafeMutablePointer<UInt32>? { buffer?.pointer(UInt32.self) }
    private var listCount: Int { (buffer?.size ?? 0) / MemoryLayout<UInt32>.size }

    /// The place of an id in the list; nil where there is none.
    @inline(__always)
    private func place(_ id: UInt64) -> UnsafeMutablePointer<UInt32>? {
        guard let list, id < UInt64(listCount) else { return nil }
        return list + Int(id)
    }

    /// Makes room for all rows that there are by now.
    private func reserveList(_ rows: ExternalRows, _ total: Int) throws(VecStoreError) {
        let wanted = max(rows.count, total)
        guard wanted > listCount else { return }
        // What is never written to takes no memory.
        let next = try allocate(UInt32.self, wanted + wanted / 2 + 1024, isSparse: true, for: "the table of ids")
        if let list { next.pointer(UInt32.self).update(from: list, count: listCount) }
        buffer = next
    }

    // MARK: - Hash tables

    private var entries: UnsafeMutablePointer<Entry>? { buffer?.pointer(Entry.self) }

    /// Finalizer of MurmurHash3 (Appleby): neighbours in id become strangers in place.
    private func home(_ id: UInt64) -> Int {
        var h = id
        h ^= h >> 33
        h &*= 0xff51_afd7_ed55_8ccd
        h ^= h >> 33
        h &*= 0xc4ce_b9fe_1a85_ec53
        h ^= h >> 33
        return Int(truncatingIfNeeded: h) & mask
    }

    package func slot(of id: UInt64) -> UInt32? {
        if isDense { return place(id).flatMap { $0.pointee == 0 ? nil : $0.pointee - 1 } }
        guard let entries else { return nil }
        var i = home(id)
        while entries[i].slot != 0 {
            if entries[i].id == id { return UInt32(truncatingIfNeeded: entries[i].slot - 1) }
            i = (i + 1) & mask
        }
        return nil
    }

    /// Makes room for `total` ids, so that as many calls of `set` cannot fail.
    package func reserve(_ total: Int) throws(VecStoreError) {
        if let rows { return try reserveList(rows, total) }
        // At most 7 of 10 places are taken: probes stay short.
        guard total > (mask + 1) * 7 / 10 || buffer == nil else { return }
        guard total < 1 << 40 else { throw VecStoreError(.tooLarge, "\(total) ids are more than an index can hold") }
        var capacity = 16
        while capacity * 7 / 10 < total { capacity *= 2 }
        let old = buffer, oldCapacity = buffer == nil ? 0 : mask + 1
        buffer = try allocate(Entry.self, capacity, for: "the table of ids")
        mask = capacity - 1
        if let old = old?.pointer(Entry.self) {
            for i in 0..<oldCapacity where old[i].slot != 0 { place(old[i]) }
        }
    }

    private func place(_ entry: Entry) {
        guard let entries else { return }
        var i = home(entry.id)
        while entries[i].slot != 0 { i = (i + 1) & mask }
        entries[i] = entry
    }

    /// Sets or replaces the slot of an id. `reserve` has made room. A number that is no row's is not entered.
    package func set(_ id: UInt64, _ slot: UInt32) {
        changes &+= 1
        if isDense {
            guard let place = place(id) else { return }
            if place.pointee == 0 { count += 1 }
            place.pointee = slot + 1
            return
        }
        guard let entries else { return }
        var i = home(id)
        while entries[i].slot != 0 {
            if entries[i].id == id {
                entries[i].slot = UInt64(slot) + 1
                return
            }
            i = (i + 1) & mask
        }
        entries[i] = Entry(id: id, slot: UInt64(slot) + 1)
        count += 1
    }

    /// Removes an id; later entries of its run move up, so that no mark stays behind.
    package func remove(_ id: UInt64) {
        changes &+= 1
        if isDense {
            guard let place = place(id), place.pointee != 0 else { return }
            place.pointee = 0
            count -= 1
            return
        }
        guard let entries else { return }
        var i = home(id)
        while entries[i].slot != 0 && entries[i].id != id { i = (i + 1) & mask }
        guard entries[i].slot != 0 else { return }
        count -= 1
        var hole = i
        var j = i
        while true {
            j = (j + 1) & mask
            if entries[j].slot == 0 { break }
            // An entry may fill the hole if its home does not lie after the hole on the way to it.
            let distanceFromHome = (j - home(entries[j].id)) & mask
            if distanceFromHome >= (j - hole) & mask {
                entries[hole] = entries[j]
                hole = j
            }
        }
        entries[hole] = Entry(id: 0, slot: 0)
    }

    /// Gives memory back where few ids are left.
    /// - Parameter total: How many ids there must be room for all the same.
    package func shrink(keeping total: Int = 0) throws(VecStoreError) {
        let wanted = max(count, total)
        guard !isDense, buffer != nil, mask + 1 > 16, wanted < (mask + 1) / 8 else { return }
        let old = buffer, oldCapacity = mask + 1
        buffer = nil
        mask = 0
        do {
            try reserve(max(wanted, 8))
        } catch {
            buffer = old
            mask = oldCapacity - 1
            throw error
        }
        if let old = old?.pointer(Entry.self) {
            for i in 0..<oldCapacity where old[i].slot != 0 { place(old[i]) }
        }
    }
}
