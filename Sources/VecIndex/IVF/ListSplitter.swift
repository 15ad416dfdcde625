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
            if isDirected {
                var square: Double = 0
                for d in 0..<dimension { square += Double(x[d]) * Double(x[d]) }
                // Rows of zeros have no direction.
                if Float(square) < Limits.cosineSquaredNorm { continue }
                let inverse = 1 / square.squareRoot()
                for d in 0..<dimension { units[n * dimension + d] = Float(Double(x[d]) * inverse) }
            }
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
        return parts(found.centroids.pointer(Float.self), count, options.metric == .cosine ? units : rows, homes, n)
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

    private func parts(
        _ centroids: UnsafePointer<Float>, _ count: Int, _ rows: UnsafePointer<Float>, _ homes: UnsafePointer<UInt32>, _ n: Int
    ) -> [Part] {
        let dimension = options.dimension
        var along = [Double](repeating: 0, count: count), norms = along, rowCounts = along
        for i in 0..<n {
            let part = Int(homes[i]), row = rows + i * dimension, c = centroids + part * dimension
            var product: Double = 0, square: Double = 0
            for d in 0..<dimension {
                product += Double(row[d]) * Double(c[d])
                square += Double(row[d]) * Double(row[d])
            }
            along[part] += product
            norms[part] += square.squareRoot()
            rowCounts[part] += 1
        }
        return (0..<count).map { p in
            let mean = rowCounts[p] > 0 ? 1 / rowCounts[p] : 0
            return Part(
                centroid: Array(UnsafeBufferPointer(start: centroids + p * dimension, count: dimension)),
                radius: options.metric == .l2Squared ? 1 : rowCounts[p] > 0 ? Float(along[p] * mean) : model.meanNorm,
                reach: options.metric == .innerProduct ? (rowCounts[p] > 0 ? Float(norms[p] * mean) : model.meanNorm) : 1)
        }
    }
}
