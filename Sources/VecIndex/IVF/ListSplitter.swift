// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Finds centroids for the parts of a list.
struct ListSplitter {
    let state: IVFSnapshot
    let model: IVFModel
    let options: IVFOptions
    let table: KernelTable
    let threads: Int

    /// What lies around one of the new centroids.
    struct Part {
        var centroid: [Float]
        var radius: Float
        var reach: Float
    }

    private static let iterations = 10

    /// The parts of a list: as many as there are to be. Nil where its rows have no directions to part them by.
    func split(_ list: Int, into count: Int) throws(VecStoreError) -> [Part]? {
        let dimension = options.dimension, isDirected = options.metric != .l2Squared
        let slots = try slots(of: list)
        let rowMemory = try allocate(Float.self, slots.count * dimension, for: "the \(slots.count) rows of a list")
        let unitMemory = try allocate(Float.self, isDirected ? slots.count * dimension : 0, for: "the \(slots.count) rows of a list")
        let rows = rowMemory.pointer(Float.self), units = unitMemory.pointer(Float.self)
        var n = 0
        for slot in slots {
            guard let row = state.rows.row(slot), let type = state.rows.type else { return nil }
            let x = rows + n * dimension
            try convertElements(row, type, x, .float32, dimension, table)
            if isDirected && !writeDirection(of: x, dimension, to: units + n * dimension) { continue }
            n += 1
        }
        guard n >= count else { return nil }
        let source = isDirected ? units : rows
        var means = try KMeans(
            source, .float32, n, dimension: dimension,
            options: KMeansOptions(
                k: count, metric: isDirected ? .cosine : .l2Squared, iterations: ListSplitter.iterations,
                seed: options.seed &+ UInt64(list), threads: threads), table: table)
        let found = try means.train()
        let homeMemory = try allocate(UInt32.self, n, for: "the parts of \(n) rows")
        let homes = homeMemory.pointer(UInt32.self)
        _ = try means.assign(found.table, homes, nil)
        let centroids = found.centroids.pointer(Float.self)
        let spreads = ListSpreads(
            options.metric == .cosine ? units : rows, n, homes: homes, centroids: centroids, k: count, dimension: dimension,
            metric: options.metric)
        return (0..<count).map { p in
            Part(
                centroid: Array(UnsafeBufferPointer(start: centroids + p * dimension, count: dimension)),
                radius: spreads.radii[p], reach: spreads.reaches[p])
        }
    }

    private func slots(of list: Int) throws(VecStoreError) -> [UInt32] {
        var slots: [UInt32] = []
        slots.reserveCapacity(state.list(list).count)
        state.list(list).forEachSlot(model.layout) { slots.append($1) }
        guard slots.allSatisfy({ Int($0) < state.usedSlots }) else {
            throw VecStoreError(.internalError, "a list has rows that do not exist")
        }
        return slots
    }
}
