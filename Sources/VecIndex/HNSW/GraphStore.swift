// SPDX-License-Identifier: Apache-2.0

import Synchronization
import VecKernelTypes

/// The end of a list of links.
let noSlot: UInt32 = .max
/// The bit of a link that says: this list is the one that keeps the row reachable.
let treeBit: UInt32 = 1 << 31
/// The slot of a link.
let slotBits: UInt32 = treeBit - 1

/// Rows, their links and all else that a graph keeps of them, in columns by slot.
///
/// Links change while others walk over them: each is read and written atomically. What belongs to a row itself is written
/// before the first link to it is, and a slot is used again only once no walk can still be at it (`SlotReclaimer`).
final class GraphStore: @unchecked Sendable {
    // Safety: see above; growing is the business of one writer at a time.

    /// No other store of the process has, or had, the same number.
    let number = GraphStore.lastNumber.add(1, ordering: .relaxed).newValue
    private static let lastNumber = Atomic<UInt64>(0)

    let shape: GraphShape
    let quantizer: ScalarQuantizer?
    /// Makes the sketches.
    let sketcher: ScalarQuantizer?
    /// Nil for a graph in memory.
    let map: MappedFile?
    let shift: UInt32

    /// Rows as the walk compares them.
    let walk: SegmentedColumn
    let factors: SegmentedColumn?
    /// Rows in 4 bits an element: what the walk reads first.
    let sketches: SegmentedColumn?
    let sketchFactors: SegmentedColumn?
    /// Finer rows.
    let full: SegmentedColumn?
    /// The finer rows that lie outside, by id.
    let external: ExternalRows.View?
    private let externalOwner: ExternalRows?
    let inverseNorms: SegmentedColumn?
    let ids: SegmentedColumn
    let links: SegmentedColumn
    /// The tree that keeps rows reachable: whose list has this row with its tree bit.
    let parents: SegmentedColumn
    let levels: SegmentedColumn
    /// The first unit of a row's lists above level 0, level 1 first.
    let upperPlaces: SegmentedColumn
    /// Units: lists of m links each.
    let upper: SegmentedColumn

    /// Where walks begin: slot, and its level in the upper half; all ones where the graph is empty.
    let entry: Atomic<UInt64>
    /// The root of the tree.
    let root: Atomic<UInt32>

    let landmarks: Landmarks
    let reclaimer = SlotReclaimer()

    // Touched by writers, under the slot lock of the index.
    /// Slots that have been used at some time: from here on they are new.
    var usedSlots: Int {
        get { slotCount.load(ordering: .relaxed) }
        set { slotCount.store(newValue, ordering: .relaxed) }
    }
    private let slotCount = Atomic<Int>(0)
    var usedUnits = 0
    /// Slots for use again, and by level - 1 the units of lists.
    var freeSlots: [UInt32] = []
    var freeUnits: [[UInt32]] = []

    static let noEntry = UInt64.max
    /// Bytes of rows in a segment, at most.
    private static let segmentBytes = 64 << 20
    static let leastShift: UInt32 = 8

    /// The largest segments for rows of this shape.
    static func mostShift(_ shape: GraphShape) -> UInt32 {
        var shift: UInt32 = leastShift
        while shift < 16 && shape.bytesPerRow << Int(shift + 1) <= segmentBytes { shift += 1 }
        return shift
    }

    /// An empty graph in memory.
    /// - Parameter external: Where finer rows lie, for a shape that has them outside.
    init(
        _ shape: GraphShape, quantizer: ScalarQuantizer?, sketcher: ScalarQuantizer?, external: ExternalRows?, shift: UInt32
    ) throws(VecStoreError) {
        landmarks = try Landmarks()
        self.shape = shape
        self.quantizer = quantizer
        self.sketcher = sketcher
        externalOwner = shape.fullType == nil ? nil : external
        self.external = externalOwner?.view
        self.shift = shift
        map = nil
        let canGrow = shift >= GraphStore.mostShift(shape)
        func column(_ stride: Int, _ name: String) throws(VecStoreError) -> SegmentedColumn {
            try SegmentedColumn(stride: stride, shift: shift, canGrow: canGrow, name: name)
        }
        walk = try column(shape.walkStride, "the rows of a graph")
        factors = shape.keepsFactors ? try column(shape.factorStride, "the norms of rows") : nil
        sketches = shape.isSketched ? try column(shape.sketchStride, "the sketches of rows") : nil
        sketchFactors = shape.keepsSketchFactors ? try column(4, "the norms of rows") : nil
        full = shape.keepsFullRows ? try column(shape.fullStride, "rows") : nil
        inverseNorms = shape.keepsInverseNorms ? try column(8, "the norms of rows") : nil
        ids = try column(8, "ids")
        links = try column(4 * shape.baseLinks, "links")
        parents = try column(4, "links")
        levels = try column(1, "levels")
        upperPlaces = try column(4, "links")
        upper = try SegmentedColumn(stride: 4 * shape.m, shift: max(shift, 4) - 4, canGrow: canGrow, name: "links")
        entry = Atomic(GraphStore.noEntry)
        root = Atomic(noSlot)
    }

    /// A graph in a file.
    init(
        _ shape: GraphShape, quantizer: ScalarQuantizer?, sketcher: ScalarQuantizer?, external: ExternalRows?, map: MappedFile,
        usedSlots: Int, usedUnits: Int, entry: UInt64, root: UInt32, column: (GraphColumn) -> UnsafeRawPointer?
    ) throws(VecStoreError) {
        landmarks = try Landmarks()
        self.shape = shape
        self.quantizer = quantizer
        self.sketcher = sketcher
        externalOwner = shape.fullType == nil ? nil : external
        self.external = externalOwner?.view
        self.map = map
        shift = 31
        func place(_ kind: GraphColumn) throws(VecStoreError) -> SegmentedColumn? {
            guard let base = column(kind) else { return nil }
            return try SegmentedColumn(stride: kind.stride(shape), at: base, owner: map)
        }
        func needed(_ kind: GraphColumn) throws(VecStoreError) -> SegmentedColumn {
            guard let column = try place(kind) else {
                throw VecStoreError(.internalError, "the file of a graph has no column \(kind)")
            }
            return column
        }
        walk = try needed(.walk)
        factors = try place(.factors)
        sketches = try place(.sketches)
        sketchFactors = try place(.sketchFactors)
        full = try place(.full)
        inverseNorms = try place(.inverseNorms)
        ids = try needed(.ids)
        links = try needed(.links)
        parents = try needed(.parents)
        levels = try needed(.levels)
        upperPlaces = try needed(.upperPlaces)
        upper = try needed(.upper)
        self.entry = Atomic(entry)
        self.root = Atomic(root)
        self.usedSlots = usedSlots
        self.usedUnits = usedUnits
    }

    // MARK: - Room

    /// Slots that a reader may look at: new ones may come while it does.
    var publishedSlots: Int { usedSlots }

    /// Slots that there is memory for.
    var capacity: Int { map == nil ? ids.capacity : usedSlots }

    private var slotColumns: [SegmentedColumn] {
        [walk, ids, links, parents, levels, upperPlaces] + [factors, sketches, sketchFactors, full, inverseNorms].compactMap { $0 }
    }

    /// Adds memory for one segment of slots.
    func grow() throws(VecStoreError) {
        var grown: [SegmentedColumn] = []
        do {
            for column in slotColumns {
                try column.grow()
                grown.append(column)
            }
        } catch {
            for column in grown { column.shrink() }
            throw error
        }
    }

    // MARK: - Slots and units; under the slot lock

    /// Units for the lists of a row above level 0.
    func takeUnits(_ level: Int) throws(VecStoreError) -> UInt32 {
        if freeUnits.count >= level, let place = freeUnits[level - 1].popLast() { return place }
        while usedUnits + level > upper.capacity { try upper.grow() }
        usedUnits += level
        return UInt32(usedUnits - level)
    }

    func giveUnits(_ place: UInt32, _ level: Int) {
        while freeUnits.count < level { freeUnits.append([]) }
        freeUnits[level - 1].append(place)
    }

    /// Takes back the slot of a row that nobody can come to any more.
    func release(_ slot: UInt32) {
        let level = level(slot)
        if level > 0 { giveUnits(upperPlace(slot), level) }
        setLevel(slot, 0, place: 0)
        setParent(slot, noSlot)
        freeSlots.append(slot)
    }

    /// Bytes of memory held by rows, links and all else; what is reserved for rows to come does not count.
    var bytes: Int {
        slotColumns.reduce(
            upper.bytes(usedUnits) + (quantizer?.bytes ?? 0) + (sketcher?.bytes ?? 0) + 4 * freeSlots.capacity
        ) { $0 + $1.bytes(usedSlots) }
    }

    // MARK: - Columns

    @inline(__always)
    func id(_ slot: UInt32) -> UInt64 {
        ids.address(slot).assumingMemoryBound(to: Atomic<UInt64>.self).pointee.load(ordering: .acquiring)
    }

    func setID(_ slot: UInt32, _ id: UInt64) {
        ids.address(slot).assumingMemoryBound(to: Atomic<UInt64>.self).pointee.store(id, ordering: .releasing)
    }

    @inline(__always)
    func factor(_ slot: UInt32) -> Float {
        factors.map { $0.address(slot).assumingMemoryBound(to: Float.self).pointee } ?? 0
    }

    /// What is kept of a row beside its 4-bit codes.
    func packedFactors(_ slot: UInt32) -> PackedFactors {
        factors.map { $0.address(slot).assumingMemoryBound(to: PackedFactors.self).pointee } ?? PackedFactors(sum: 0, scale: 0)
    }

    private static let deadBit: UInt8 = 0x80

    func level(_ slot: UInt32) -> Int {
        Int(levels.address(slot).assumingMemoryBound(to: UInt8.self).pointee & ~GraphStore.deadBit)
    }

    /// Says that a row was taken out. Whoever holds the gate alone may.
    func markDead(_ slot: UInt32) {
        levels.address(slot).assumingMemoryBound(to: UInt8.self).pointee |= GraphStore.deadBit
    }

    func isDead(_ slot: UInt32) -> Bool {
        levels.address(slot).assumingMemoryBound(to: UInt8.self).pointee & GraphStore.deadBit != 0
    }

    /// Whether a row is part of the graph.
    func isLinked(_ slot: UInt32) -> Bool { parent(slot) != noSlot && !isDead(slot) }

    func setLevel(_ slot: UInt32, _ level: Int, place: UInt32) {
        levels.address(slot).assumingMemoryBound(to: UInt8.self).pointee = UInt8(truncatingIfNeeded: level)
        upperPlaces.address(slot).assumingMemoryBound(to: UInt32.self).pointee = place
    }

    func upperPlace(_ slot: UInt32) -> UInt32 { upperPlaces.address(slot).assumingMemoryBound(to: UInt32.self).pointee }

    /// The row that distances are computed from in the end; nil where there are codes alone, and where rows lie outside and
    /// this one was removed.
    func exactRow(_ slot: UInt32) -> UnsafeRawPointer? {
        if let external { return external.row(id(slot)) }
        return innerRow(slot)
    }

    /// The same for a row whose id is known, and may be gone meanwhile.
    func exactRow(_ slot: UInt32, id: UInt64) -> UnsafeRawPointer? {
        if let external { return external.row(id) }
        return innerRow(slot)
    }

    private func innerRow(_ slot: UInt32) -> UnsafeRawPointer? {
        if let full { return UnsafeRawPointer(full.address(slot)) }
        return shape.isCoded ? nil : UnsafeRawPointer(walk.address(slot))
    }

    func parent(_ slot: UInt32) -> UInt32 {
        parents.address(slot).assumingMemoryBound(to: Atomic<UInt32>.self).pointee.load(ordering: .acquiring)
    }

    func setParent(_ slot: UInt32, _ parent: UInt32) {
        parents.address(slot).assumingMemoryBound(to: Atomic<UInt32>.self).pointee.store(parent, ordering: .releasing)
    }

    /// The list of a row on a level that it has.
    @inline(__always)
    func list(_ slot: UInt32, _ level: Int) -> LinkList {
        if level == 0 {
            return LinkList(links.address(slot).assumingMemoryBound(to: Atomic<UInt32>.self), shape.baseLinks)
        }
        let unit = Int(upperPlaces.address(slot).assumingMemoryBound(to: UInt32.self).pointee) &+ level &- 1
        // A damaged file may name any.
        if map != nil && unit >= usedUnits {
            return LinkList(links.address(slot).assumingMemoryBound(to: Atomic<UInt32>.self), 0)
        }
        return LinkList(
            upper.address(UInt32(truncatingIfNeeded: unit)).assumingMemoryBound(to: Atomic<UInt32>.self), shape.m)
    }
}

/// The columns of a graph.
enum GraphColumn: CaseIterable {
    case walk, factors, sketches, sketchFactors, full, inverseNorms, ids, links, parents, levels, upperPlaces, upper

    /// Bytes of one item.
    func stride(_ shape: GraphShape) -> Int {
        switch self {
        case .walk: shape.walkStride
        case .factors: shape.factorStride
        case .sketchFactors: 4
        case .sketches: shape.sketchStride
        case .full: shape.fullStride
        case .inverseNorms: 8
        case .ids: 8
        case .links: 4 * shape.baseLinks
        case .parents: 4
        case .levels: 1
        case .upperPlaces: 4
        case .upper: 4 * shape.m
        }
    }
}

/// The links of one row on one level: those in use come first, `noSlot` follows.
struct LinkList {
    let links: UnsafeMutablePointer<Atomic<UInt32>>
    let capacity: Int

    @inline(__always)
    init(_ links: UnsafeMutablePointer<Atomic<UInt32>>, _ capacity: Int) {
        self.links = links
        self.capacity = capacity
    }

    @inline(__always)
    subscript(_ i: Int) -> UInt32 {
        get { links[i].load(ordering: .acquiring) }
        nonmutating set { links[i].store(newValue, ordering: .releasing) }
    }

    /// Links in use.
    var count: Int {
        var n = 0
        while n < capacity && self[n] != noSlot { n += 1 }
        return n
    }

    func clear() { for i in 0..<capacity { self[i] = noSlot } }
}
