// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Which rows of a graph may be results, and how to find those near a query. Made once for a search, however many queries
/// it has.
final class FilterPlan: @unchecked Sendable {
    // Safety: written by init, and later under `lock`.

    enum Strategy {
        /// Few rows match: all of them are compared.
        case scan
        /// Many match: a walk over all rows, with so many more in view that enough of them match.
        case wideWalk
        /// A walk over those that match.
        case matchingWalk
    }

    private let index: HNSWIndex
    private let store: GraphStore
    /// Bit s: the row in slot s matches; nil where `idBits` tells.
    private var slotBits: UnsafeMutablePointer<UInt8>?
    private let idBits: UnsafePointer<UInt8>?
    private let idCount: UInt64
    private let isNegated: Bool
    private var memory: [Buffer] = []
    /// Slots from here on are newer than the plan.
    private let used: Int

    private(set) var strategy = Strategy.scan
    /// Rows that the walk keeps in view.
    private(set) var width: Int
    /// About how many rows match, and which share of all that is.
    private(set) var matchCount = 0
    private(set) var share: Float = 0
    /// The rows that match; made when they are first needed.
    private var matching: (slots: UnsafeMutablePointer<UInt32>, count: Int)?
    /// Rows that match, from all over the graph: where a walk begins.
    private(set) var seeds: [UInt32] = []

    private let lock = Lock()
    private static let seedCount = 16

    /// Comparing some thousands of rows takes no longer than a walk does.
    private static let scanLimit = 4096
    /// From this share of matching rows on, a walk over all rows is the shortest way.
    private static let wideShare: Float = 0.06

    init(
        _ filter: RowFilter, _ index: HNSWIndex, _ store: GraphStore, width: Int
    ) throws(VecStoreError) {
        self.index = index
        self.store = store
        self.width = width
        used = store.publishedSlots
        isNegated = filter.isNegated
        if case .bitmap(let bits, let count) = filter.kind {
            idBits = bits
            idCount = count
            let set = FilterPlan.population(bits, count)
            matchCount = isNegated ? max(index.count - set, 0) : min(set, index.count)
        } else {
            idBits = nil
            idCount = 0
            try markSlots(filter, index)
        }
        share = Float(matchCount) / Float(max(index.count, 1))
        // A fifth more than it takes on the average, and some: what matches is not spread evenly.
        let wide = share >= FilterPlan.wideShare ? Int(Float(width) / share * 1.2) + 16 : 0
        // A walk takes as long for each row in view as some 20 comparisons.
        if matchCount <= index.scanLimit ?? max(FilterPlan.scanLimit, 20 * wide, 16 * width) { return }
        if wide > 0 {
            self.width = wide
            strategy = .wideWalk
        } else {
            sow()
            // The rows that match hang together by fewer links than all rows do.
            self.width = 2 * width
            if !seeds.isEmpty { strategy = .matchingWalk }
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

    /// One bit for each slot.
    private func markSlots(_ filter: RowFilter, _ index: HNSWIndex) throws(VecStoreError) {
        let bitmap = try allocate(UInt8.self, used / 8 + 1, for: "a filter of \(used) rows")
        memory.append(bitmap)
        let bits = bitmap.pointer(UInt8.self)
        slotBits = bits
        switch filter.kind {
        case .ids(let ids, let count):
            index.lookupLock.lock()
            for i in 0..<count {
                guard let slot = index.lookup.slot(of: ids[i]), Int(slot) < used else { continue }
                let bit = UInt8(1) << UInt8(slot & 7)
                if bits[Int(slot >> 3)] & bit == 0 {
                    bits[Int(slot >> 3)] |= bit
                    matchCount += 1
                }
            }
            index.lookupLock.unlock()
            if isNegated {
                for i in 0...(used / 8) { bits[i] = ~bits[i] }
                // Slots of rows that were removed: they would take the places of others.
                for slot in 0..<used where store.id(UInt32(slot)) == noID { bits[slot >> 3] &= ~(1 << UInt8(slot & 7)) }
                matchCount = max(index.count - matchCount, 0)
            }
        case .callback(let callback):
            for slot in 0..<used {
                let id = store.id(UInt32(slot))
                if id != noID && callback(id) != isNegated {
                    bits[slot >> 3] |= 1 << UInt8(slot & 7)
                    matchCount += 1
                }
            }
        case .none, .bitmap:
            // Not matching nothing is matching nothing.
            break
        }
    }

    @inline(__always)
    func isWanted(_ slot: UInt32) -> Bool {
        if let slotBits {
            return Int(slot) < used && slotBits[Int(slot &>> 3)] & (1 &<< UInt8(truncatingIfNeeded: slot & 7)) != 0
        }
        let id = store.id(slot)
        guard let idBits, id != noID else { return false }
        let isSet = id < idCount && idBits[Int(truncatingIfNeeded: id &>> 3)] & (1 &<< UInt8(truncatingIfNeeded: id & 7)) != 0
        return isSet != isNegated
    }

    /// Looks for rows that match at places all over the graph.
    private func sow() {
        var z: UInt64 = 0x9e37_79b9_7f4a_7c15
        var tries = 0
        let most = min(64 * FilterPlan.seedCount * max(1, used / max(matchCount, 1)), 1 << 16)
        while seeds.count < FilterPlan.seedCount && tries < most {
            z = z &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let slot = UInt32((z >> 33) % UInt64(max(used, 1)))
            if isWanted(slot) && store.id(slot) != noID { seeds.append(slot) }
            tries += 1
        }
    }

    /// The same from several threads.
    func allMatchingOnce() throws(VecStoreError) -> (slots: UnsafeMutablePointer<UInt32>, count: Int) {
        lock.lock()
        defer { lock.unlock() }
        return try allMatching()
    }

    /// All rows that match.
    func allMatching() throws(VecStoreError) -> (slots: UnsafeMutablePointer<UInt32>, count: Int) {
        if let matching { return matching }
        let room = try allocate(UInt32.self, used, for: "the rows that match a filter")
        memory.append(room)
        let slots = room.pointer(UInt32.self)
        var n = 0
        if let idBits, !isNegated, matchCount < used / 16 {
            // Going through the few ids is shorter than going through all rows.
            n = index.slots(of: idBits, idCount, below: used, slots)
            matching = (slots, n)
            return (slots, n)
        }
        var slot = 0
        while slot < used {
            // Bytes without a bit are passed over whole.
            if let slotBits, slot & 7 == 0, slotBits[slot >> 3] == 0 {
                slot += 8
                continue
            }
            if isWanted(UInt32(slot)) {
                slots[n] = UInt32(slot)
                n += 1
            }
            slot += 1
        }
        matching = (slots, n)
        return (slots, n)
    }
}

extension HNSWIndex {
    /// The slots of the ids whose bits are set. Returns how many.
    fileprivate func slots(
        of bits: UnsafePointer<UInt8>, _ count: UInt64, below used: Int, _ out: UnsafeMutablePointer<UInt32>
    ) -> Int {
        lookupLock.lock()
        defer { lookupLock.unlock() }
        var n = 0
        for byte in 0..<Int((count + 7) / 8) where bits[byte] != 0 {
            for bit in 0..<8 where bits[byte] & (1 << UInt8(bit)) != 0 {
                let id = UInt64(byte) * 8 + UInt64(bit)
                guard id < count, n < used, let slot = lookup.slot(of: id), Int(slot) < used else { continue }
                out[n] = slot
                n += 1
            }
        }
        return n
    }
}
