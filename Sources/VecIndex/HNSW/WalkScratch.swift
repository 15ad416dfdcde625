// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecKernelTypes

/// The memory that one thread works in while it walks over a graph.
final class WalkScratch {
    /// Rows that the visited marks have room for.
    let rows: Int
    /// Entries of the beam.
    let width: Int

    // MARK: visited marks
    let words: UnsafeMutablePointer<UInt64>
    /// Every row visited, in order, so that its mark can be wiped; the last of them are those of the step under way.
    let visited: UnsafeMutablePointer<UInt32>
    var visitedCount = 0

    // MARK: lists
    let entries: UnsafeMutablePointer<UInt64>
    /// Entries of a beam to come.
    let batch: UnsafeMutablePointer<UInt64>
    let sorted: UnsafeMutablePointer<UInt64>
    let positions: UnsafeMutablePointer<UInt32>
    let slots: UnsafeMutablePointer<UInt32>
    let addresses: UnsafeMutablePointer<UnsafeRawPointer>
    let distances: UnsafeMutablePointer<Float>
    /// As many as the beam is wide: rows that are looked at once more.
    let rankedSlots: UnsafeMutablePointer<UInt32>
    let rankedDistances: UnsafeMutablePointer<Float>
    /// Room in the lists of one step.
    let listCapacity: Int

    // MARK: queries
    let query: UnsafeMutableRawPointer
    let floats: UnsafeMutablePointer<Float>
    /// The query in the form of sketches.
    let sketchQuery: UnsafeMutableRawPointer
    /// A second query: a row that others are compared with.
    let rowQuery: UnsafeMutableRawPointer

    // MARK: signs; room for nothing where there are none
    let signTables: UnsafeMutablePointer<UInt8>
    let signValues: UnsafeMutablePointer<Float>
    /// Those of all rows that have signs.
    let signSums: UnsafeMutablePointer<Int32>

    private let memory: Buffer

    init(_ shape: GraphShape, rows: Int, width: Int) throws(VecStoreError) {
        self.rows = rows
        self.width = width
        let wordCount = (rows + 63) / 64
        listCapacity = max(1024, 8 * shape.baseLinks)
        let querySize = WalkMetric.querySize(shape)
        var layout = Layout()
        let wordsAt = layout.add(UInt64.self, wordCount)
        // One place more: rows are written before it is known whether they count.
        let visitedAt = layout.add(UInt32.self, rows + 1)
        let entriesAt = layout.add(UInt64.self, width)
        let batchAt = layout.add(UInt64.self, KernelTable.largestMerge + 7)
        let sortedAt = layout.add(UInt64.self, KernelTable.largestMerge)
        let positionsAt = layout.add(UInt32.self, listCapacity)
        let rankedSlotsAt = layout.add(UInt32.self, width)
        let rankedDistancesAt = layout.add(Float.self, width)
        let slotsAt = layout.add(UInt32.self, listCapacity)
        let addressesAt = layout.add(UnsafeRawPointer.self, listCapacity)
        let distancesAt = layout.add(Float.self, listCapacity)
        let queryAt = layout.add(UInt8.self, querySize)
        let floatsAt = layout.add(UInt8.self, querySize)
        let sketchQueryAt = layout.add(UInt8.self, querySize)
        let rowQueryAt = layout.add(UInt8.self, querySize)
        let mostSigns = SignCodes.suit(shape, rows: min(rows, SignCodes.mostRows)) ? min(rows, SignCodes.mostRows) : 0
        let tables = mostSigns == 0 ? 0 : (SignCodes.numbers(shape.dimension) + 3) / 4 * 4
        let signTablesAt = layout.add(UInt8.self, 16 * tables)
        let signValuesAt = layout.add(Float.self, 16 * tables)
        let signSumsAt = layout.add(Int32.self, (mostSigns + 31) / 32 * 32)
        memory = try allocate(UInt8.self, layout.size, for: "a walk over \(rows) rows with \(width) in view")
        words = memory.pointer(UInt64.self, at: wordsAt)
        visited = memory.pointer(UInt32.self, at: visitedAt)
        entries = memory.pointer(UInt64.self, at: entriesAt)
        batch = memory.pointer(UInt64.self, at: batchAt)
        sorted = memory.pointer(UInt64.self, at: sortedAt)
        positions = memory.pointer(UInt32.self, at: positionsAt)
        rankedSlots = memory.pointer(UInt32.self, at: rankedSlotsAt)
        rankedDistances = memory.pointer(Float.self, at: rankedDistancesAt)
        slots = memory.pointer(UInt32.self, at: slotsAt)
        addresses = memory.pointer(UnsafeRawPointer.self, at: addressesAt)
        distances = memory.pointer(Float.self, at: distancesAt)
        query = memory.base + queryAt
        floats = memory.pointer(Float.self, at: floatsAt)
        sketchQuery = memory.base + sketchQueryAt
        rowQuery = memory.base + rowQueryAt
        signTables = memory.pointer(UInt8.self, at: signTablesAt)
        signValues = memory.pointer(Float.self, at: signValuesAt)
        signSums = memory.pointer(Int32.self, at: signSumsAt)
    }

    var bytes: Int { memory.size }

    /// Marks a row below `rows` as visited. Returns whether it was not before.
    @inline(__always)
    func visit(_ slot: UInt32) -> Bool {
        let w = Int(slot &>> 6)
        let bit: UInt64 = 1 &<< UInt64(slot & 63)
        let word = words[w]
        visited[visitedCount] = slot
        words[w] = word | bit
        let isNew = word & bit == 0
        visitedCount &+= isNew ? 1 : 0
        return isNew
    }

    /// Forgets all visits.
    func forget() {
        for i in 0..<visitedCount { words[Int(visited[i] &>> 6)] = 0 }
        visitedCount = 0
    }
}

/// Scratches that wait for the next walk.
final class ScratchPool: @unchecked Sendable {
    // Safety: `idle` is touched under `lock` only.

    private let lock = Lock()
    private var idle: [WalkScratch] = []

    func take(_ shape: GraphShape, rows: Int, width: Int) throws(VecStoreError) -> WalkScratch {
        lock.lock()
        let found = idle.popLast()
        lock.unlock()
        if let found, found.rows >= rows, found.width >= width { return found }
        // With some room to grow, so that adding rows one by one does not make a new one each time.
        return try WalkScratch(shape, rows: rows + rows / 8 + 1024, width: max(width, 64))
    }

    func give(_ scratch: WalkScratch) {
        lock.lock()
        if idle.count < ThreadPool.defaultThreads + 2 { idle.append(scratch) }
        lock.unlock()
    }

    func empty() {
        lock.lock()
        let old = idle
        idle = []
        lock.unlock()
        withExtendedLifetime(old) {}
    }

    var bytes: Int {
        lock.lock()
        defer { lock.unlock() }
        return idle.reduce(0) { $0 + $1.bytes }
    }
}
