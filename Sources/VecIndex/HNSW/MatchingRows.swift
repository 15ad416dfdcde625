// SPDX-License-Identifier: Apache-2.0

import Synchronization
import VecKernelTypes

/// The rows of a store that a filter lets through, by their slots, for one search.
///
/// Updates give rows other slots. As long as the rows are entered with the index (`HNSWIndex.openFilters`), updates leave
/// word in `moved`, and `follow` goes after it.
final class MatchingRows: @unchecked Sendable {
    // Safety: written by who makes it, and later under `lock`; bits are atomic; `moved` is under the index's `lookupLock`.

    /// Slots in use.
    typealias List = (slots: UnsafePointer<UInt32>, count: Int)

    private let index: HNSWIndex
    private let store: GraphStore
    private let filter: RowFilter
    /// Bit s: the row in slot s matches; nil where `idBits` tells.
    private var slotBits: UnsafeMutablePointer<Atomic<UInt8>>?
    /// Slots that there are bits for.
    private let room: Int
    /// Rows that match and were moved to where no bits are.
    private var beyond: [UInt32] = []
    private let hasBeyond = Atomic<Bool>(false)
    private let idBits: UnsafePointer<UInt8>?
    private let idCount: UInt64
    private let isNegated: Bool
    private var memory: [Buffer] = []
    /// How often the table of ids had changed at the beginning.
    private let changes: Int
    /// The list that an earlier search made of the same bitmap.
    private let known: SlotCache.SlotList?
    /// Slots in use at the beginning: of those from here on, only rows that were moved there match.
    let used: Int

    var shape: GraphShape { store.shape }

    /// About how many rows match.
    private(set) var count = 0

    private let lock = Lock()
    private var list: RoomyList?
    /// The signs of the first rows of `all`, once that was called and where there are any.
    private(set) var signs: SignCodes?
    /// Rows that were moved and not followed yet: from which slot to which.
    var moved: [Move] = []
    typealias Move = (from: UInt32, to: UInt32)
    /// The index's `moves` that were followed.
    private let followed: Atomic<Int>

    /// With the index's `lookupLock`, under which stores are replaced and rows are moved. After that it is entered with the
    /// index, and then `find` is called without the lock.
    init(_ filter: RowFilter, _ index: HNSWIndex, _ store: GraphStore) throws(VecStoreError) {
        self.index = index
        self.store = store
        self.filter = filter
        isNegated = filter.isNegated
        used = store.publishedSlots
        changes = index.lookup.changes
        known = filter.cache?.slots(in: store, changes: changes)
        followed = Atomic(index.moves.load(ordering: .sequentiallyConsistent))
        if case .bitmap(let bits, let count) = filter.kind {
            idBits = bits
            idCount = count
            room = 0
            return
        }
        idBits = nil
        idCount = 0
        // Rows may be moved to slots that are not in use yet.
        room = max(store.capacity, used)
        let bitmap = try allocate(UInt8.self, room / 8 + 1, for: "a filter of \(room) rows")
        memory.append(bitmap)
        slotBits = bitmap.base.assumingMemoryBound(to: Atomic<UInt8>.self)
        if case .ids(let ids, let count) = filter.kind {
            mark(ids, count)
            // Under the lock too: slots get and lose their ids under it.
            if isNegated { negate() }
        }
    }

    /// Finds the rows of filters other than ids.
    func find() {
        switch filter.kind {
        case .bitmap(let bits, let size):
            let set = filter.cache?.population { MatchingRows.population(bits, size) } ?? MatchingRows.population(bits, size)
            count = isNegated ? max(index.count - set, 0) : min(set, index.count)
        case .callback(let callback):
            ask(callback)
        case .ids, .none:
            // Not matching nothing is matching nothing.
            break
        }
    }

    @inline(__always)
    func contains(_ slot: UInt32) -> Bool {
        if let slotBits {
            return Int(slot) < room
                && slotBits[Int(slot &>> 3)].load(ordering: .relaxed) & (1 &<< UInt8(truncatingIfNeeded: slot & 7)) != 0
        }
        let id = store.id(slot)
        guard let idBits, id != noID else { return false }
        let isSet = id < idCount && idBits[Int(truncatingIfNeeded: id &>> 3)] & (1 &<< UInt8(truncatingIfNeeded: id & 7)) != 0
        return isSet != isNegated
    }

    /// Whether there is a row.
    func isThere(_ slot: UInt32) -> Bool { store.id(slot) != noID }


    /// Whether `contains` knows of all rows that match. Else only `all` does.
    var isComplete: Bool { !hasBeyond.load(ordering: .relaxed) }

    // MARK: - Bits

    private func set(_ slot: UInt32) {
        if Int(slot) < room {
            slotBits?[Int(slot >> 3)].bitwiseOr(1 << UInt8(slot & 7), ordering: .relaxed)
        } else {
            beyond.append(slot)
            hasBeyond.store(true, ordering: .relaxed)
        }
    }

    private func mark(_ ids: UnsafePointer<UInt64>, _ idCount: Int) {
        for i in 0..<idCount {
            guard let slot = index.lookup.slot(of: ids[i]), Int(slot) < used, !contains(slot) else { continue }
            set(slot)
            count += 1
        }
    }

    private func negate() {
        guard let slotBits else { return }
        for i in 0...(used / 8) { slotBits[i].bitwiseXor(0xff, ordering: .relaxed) }
        // Slots of rows that were removed would take the places of others; from `used` on there are none yet.
        for slot in 0..<(used / 8 * 8 + 8) where slot >= used || store.id(UInt32(slot)) == noID {
            slotBits[slot >> 3].bitwiseAnd(~(1 << UInt8(slot & 7)), ordering: .relaxed)
        }
        count = max(index.count - count, 0)
    }

    /// Asks about each row. Without a lock: the callback may call the library.
    private func ask(_ callback: (UInt64) -> Bool) {
        for slot in 0..<UInt32(used) { ask(slot) { callback($0) != isNegated } }
        // Rows that were moved meanwhile may have been passed over in both of their slots.
        ask(takeMoves().moves) { callback($0) != isNegated }
    }

    private func ask(_ slot: UInt32, _ matches: (UInt64) -> Bool) {
        let id = store.id(slot)
        if id != noID && matches(id) {
            set(slot)
            count += 1
        }
    }

    /// Asks about rows that were moved, and about those that are meanwhile.
    private func ask(_ moves: [Move], _ matches: (UInt64) -> Bool) {
        var moves = moves
        while !moves.isEmpty {
            for (_, to) in moves where !contains(to) { ask(to, matches) }
            moves = takeMoves().moves
        }
    }

    private static func population(_ bits: UnsafePointer<UInt8>, _ count: UInt64) -> Int {
        let bytes = Int(count >> 3)
        let raw = UnsafeRawPointer(bits)
        var set = 0
        var i = 0
        while i + 8 <= bytes {
            set &+= raw.loadUnaligned(fromByteOffset: i, as: UInt64.self).nonzeroBitCount
            i += 8
        }
        while i < bytes {
            set &+= bits[i].nonzeroBitCount
            i += 1
        }
        if count & 7 != 0 { set &+= (bits[bytes] & ((1 << UInt8(count & 7)) - 1)).nonzeroBitCount }
        return set
    }

    // MARK: - Rows that move

    /// The rows that were moved since this was last called, and the index's `moves` up to which these are all.
    private func takeMoves() -> (moves: [Move], upTo: Int) {
        index.lookupLock.lock()
        defer { index.lookupLock.unlock() }
        defer { moved = [] }
        return (moved, index.moves.load(ordering: .sequentiallyConsistent))
    }

    /// Takes rows that were moved at their new places. Before each query, and wherever rows were moved meanwhile.
    func follow() throws(VecStoreError) {
        if followed.load(ordering: .acquiring) == index.moves.load(ordering: .sequentiallyConsistent) { return }
        lock.lock()
        defer { lock.unlock() }
        let (moves, upTo) = takeMoves()
        for move in moves {
            if slotBits == nil {
                guard contains(move.to) else { continue }
            } else {
                guard contains(move.from) || beyond.contains(move.from) else { continue }
                set(move.to)
            }
            if var longer = list {
                try add(move.to, to: &longer)
                list = longer
            }
        }
        // Not before: other threads go on without the lock from here.
        followed.store(upTo, ordering: .releasing)
    }

    // MARK: - All of them

    /// The slots of all rows that match: listed when it is first asked for. Some of the rows may be gone.
    func all() throws(VecStoreError) -> List {
        try follow()
        lock.lock()
        defer { lock.unlock() }
        let list: RoomyList
        if let made = self.list {
            list = made
        } else if let known {
            // Others read it too: it has no room for more.
            list = RoomyList(slots: known.slots, count: known.count, room: known.count)
            signs = known.signs
            if signs == nil && SignCodes.suit(shape, rows: known.count) { signs = filter.cache?.makeSigns(of: known, in: store) }
        } else {
            list = try makeList()
        }
        self.list = list
        return (UnsafePointer(list.slots), list.count)
    }

    private func makeList() throws(VecStoreError) -> RoomyList {
        guard let idBits else {
            var list = try newList(count + beyond.count + 64)
            for byte in 0..<(room / 8 + 1) {
                var bits = slotBits?[byte].load(ordering: .relaxed) ?? 0
                while bits != 0 {
                    try add(UInt32(8 * byte + bits.trailingZeroBitCount), to: &list)
                    bits &= bits - 1
                }
            }
            for slot in beyond { try add(slot, to: &list) }
            return list
        }
        var list: RoomyList
        if !isNegated && count < used / (index.hasFastLookup ? 2 : 16) {
            // Going through few ids is shorter than going through all rows.
            list = try newList(count)
            if !index.list(idBits, idCount, in: store, &list) { list = try listOfSlots() }
        } else {
            list = try listOfSlots()
        }
        let moves = takeMoves().moves
        if moves.isEmpty {
            if let cache = filter.cache, let buffer = memory.last {
                cache.keep(SlotCache.SlotList(memory: buffer, count: list.count), in: store, changes: changes)
            }
            return list
        }
        // Rows that were moved meanwhile may have been met in both of their slots, or in none.
        let targets = Set(moves.map(\.to))
        var mended = try newList(list.count + moves.count)
        for i in 0..<list.count where !targets.contains(list.slots[i]) { mended.add(list.slots[i]) }
        for slot in targets where contains(slot) { mended.add(slot) }
        return mended
    }

    /// The slots that match, by going through all.
    private func listOfSlots() throws(VecStoreError) -> RoomyList {
        var list = try newList(store.publishedSlots)
        for slot in 0..<UInt32(list.room) where contains(slot) { list.add(slot) }
        return list
    }

    fileprivate struct RoomyList {
        let slots: UnsafeMutablePointer<UInt32>
        var count = 0
        let room: Int

        mutating func add(_ slot: UInt32) {
            guard count < room else { return }
            slots[count] = slot
            count += 1
        }
    }

    private func newList(_ room: Int) throws(VecStoreError) -> RoomyList {
        let slots = try allocate(UInt32.self, room, for: "the rows that match a filter")
        memory.append(slots)
        return RoomyList(slots: slots.pointer(UInt32.self), room: room)
    }

    private func add(_ slot: UInt32, to list: inout RoomyList) throws(VecStoreError) {
        if list.count == list.room {
            // Others may be reading the old one: it stays.
            var larger = try newList(2 * list.room + 16)
            for i in 0..<list.count { larger.add(list.slots[i]) }
            list = larger
        }
        list.add(slot)
    }
}

extension HNSWIndex {
    fileprivate var hasFastLookup: Bool { lookupLock.withLock { lookup.isFast } }

    /// Lists the slots of the ids whose bits are set; false where another store has taken the place of this one.
    fileprivate func list(
        _ bits: UnsafePointer<UInt8>, _ count: UInt64, in store: GraphStore, _ list: inout MatchingRows.RoomyList
    ) -> Bool {
        lookupLock.lock()
        defer { lookupLock.unlock() }
        guard self.store === store else { return false }
        let room = store.publishedSlots
        lookup.forEachSlot(bits, count) { slot in if Int(slot) < room { list.add(slot) } }
        return true
    }
}
