// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Finds the lists that rows go into.
///
/// The first is that of the nearest centroid. A second one, where there is one, is chosen to be of use where the first is not:
/// a query that the first list's center misleads about a row is one along the row's residual there, so a list whose residual
/// points elsewhere is worth more than one that is a little nearer (Sun et al.: SOAR, arXiv 2404.00774).
struct ListAssigner {
    let model: IVFModel
    let options: IVFOptions
    let table: KernelTable
    let threads: Int

    /// How much a residual along the first one counts against a list.
    private static let weight: Float = 2
    /// Lists that are compared so, the nearest by distance.
    private static let candidates = 24
    /// Lists that a graph finds where a row goes into one of them.
    private static let fewCandidates = 8
    /// Centroids that the walk keeps in view: 99 of 100 rows find the nearest.
    private static let leastWidth = 64
    private static let pieceRows = 16_384
    private static let blockRows = 64

    /// The lists of each row of a batch, `assignments` of them, the nearest first.
    func lists(of batch: RowBatch) throws(VecStoreError) -> Buffer {
        let count = batch.count, dimension = options.dimension, assignments = options.assignments
        let memory = try allocate(UInt32.self, count * assignments, for: "the lists of \(count) rows")
        let lists = memory.pointer(UInt32.self)
        let most = min(count, ListAssigner.pieceRows)
        let floatMemory = try allocate(Float.self, most * dimension, for: "\(most) rows")
        let firstMemory = try allocate(UInt32.self, most, for: "the lists of \(most) rows")
        let distanceMemory = try allocate(Float.self, most, for: "the distances of \(most) rows")
        let floats = floatMemory.pointer(Float.self), first = firstMemory.pointer(UInt32.self)
        var from = 0
        while from < count {
            let n = min(most, count - from)
            try ThreadPool.shared.runPieces(of: 256, count: n, threads: threads) { (at, n) throws(VecStoreError) in
                for i in at..<(at + n) { try batch.copy(from + i, options.metric, floats + i * dimension, table) }
            }
            if let graph {
                try find(floats, n, graph, lists + from * assignments)
            } else {
                let block = try QueryBlock(
                    floats, type: .float32, count: n, dimension: dimension, metric: model.centroids.context.metric,
                    rowType: .float32, table: table)
                try model.centroids.assign(
                    block, first, distanceMemory.pointer(Float.self), hasPrior: false, threads: threads)
                if assignments > 1 {
                    try second(floats, n, first, lists + from * assignments)
                } else {
                    (lists + from).update(from: first, count: n)
                }
            }
            from += n
        }
        return memory
    }

    /// The graph that finds lists; nil where all centroids are compared. That under ip is of other products than those that put
    /// rows into lists.
    private var graph: CentroidGraph? {
        guard model.metric != .innerProduct, let graph = model.graph, graph.isLarge else { return nil }
        return graph
    }

    /// Finds lists by a graph: of some that are near the nearest.
    private func find(
        _ rows: UnsafePointer<Float>, _ count: Int, _ graph: CentroidGraph, _ lists: UnsafeMutablePointer<UInt32>
    ) throws(VecStoreError) {
        let dimension = options.dimension, assignments = options.assignments
        guard let kernels = table.distance(.innerProduct, .float32) else {
            throw VecStoreError(.internalError, "no kernel for products of float32")
        }
        let most = min(assignments > 1 ? ListAssigner.candidates + 1 : ListAssigner.fewCandidates, model.nlist)
        try ThreadPool.shared.runPieces(
            of: ListAssigner.blockRows, count: count, threads: threads
        ) { (from, n) throws(VecStoreError) in
            var layout = Layout()
            let foundAt = layout.add(UInt64.self, most), nearAt = layout.add(UInt64.self, most)
            let slotsAt = layout.add(UInt32.self, most)
            let distancesAt = layout.add(Float.self, most), nearDistancesAt = layout.add(Float.self, most)
            let memory = try allocate(UInt8.self, layout.size, for: "lists that are near")
            let found = memory.pointer(UInt64.self, at: foundAt), distances = memory.pointer(Float.self, at: distancesAt)
            let slots = memory.pointer(UInt32.self, at: slotsAt)
            for i in from..<(from + n) {
                let row = rows + i * dimension
                try graph.nearest(row, most, found, distances, leastWidth: ListAssigner.leastWidth)
                for j in 0..<most { slots[j] = UInt32(truncatingIfNeeded: found[j]) }
                kernels.gather(row, model.centroids.rows, 4 * dimension, slots, most, dimension, distances)
                var home = 0, least = Float.infinity
                for j in 0..<most {
                    let l = Int(slots[j])
                    // The product is negated: ‖x − c‖² but for ‖x‖², or 1 less than the distance by cosine.
                    let distance = model.metric == .l2Squared ? model.squares[l] + 2 * distances[j] : distances[j]
                    if distance < least || (distance == least && l < home) { (least, home) = (distance, l) }
                }
                lists[assignments * i] = UInt32(truncatingIfNeeded: home)
                if assignments == 1 { continue }
                var near = TopK(
                    distances: memory.pointer(Float.self, at: nearDistancesAt), ids: memory.pointer(UInt64.self, at: nearAt),
                    k: most - 1)
                for j in 0..<most where slots[j] != home { near.take(centerDistance(Int(slots[j]), 0 - distances[j]), found[j]) }
                lists[assignments * i + 1] = best(row, home, near)
            }
        }
    }

    /// How far a row is from the center of a list, but for ‖x‖².
    /// - Parameter product: Of the row with the centroid.
    private func centerDistance(_ list: Int, _ product: Float) -> Float {
        let radius = model.radii[list]
        return radius * (radius * model.squares[list] - 2 * product)
    }

    private func second(
        _ rows: UnsafePointer<Float>, _ count: Int, _ first: UnsafePointer<UInt32>, _ lists: UnsafeMutablePointer<UInt32>
    ) throws(VecStoreError) {
        let nlist = model.nlist, dimension = options.dimension
        try ThreadPool.shared.runPieces(
            of: ListAssigner.blockRows, count: count, threads: threads
        ) { (from, n) throws(VecStoreError) in
            let productMemory = try allocate(Float.self, n * nlist, for: "the distances from \(nlist) lists")
            let products = productMemory.pointer(Float.self)
            try BLAS.onOneThread { () throws(VecStoreError) in
                BLAS.innerProducts(
                    queries: rows + from * dimension, count: n, rows: model.centroids.rows, rowCount: nlist,
                    dimension: dimension, products: products, stride: nlist)
            }
            let nearMemory = try allocate(UInt64.self, ListAssigner.candidates, for: "lists that are near")
            let nearDistances = try allocate(Float.self, ListAssigner.candidates, for: "lists that are near")
            for i in 0..<n {
                var near = TopK(
                    distances: nearDistances.pointer(Float.self), ids: nearMemory.pointer(UInt64.self),
                    k: min(ListAssigner.candidates, nlist - 1))
                let home = Int(first[from + i]), product = products + i * nlist
                for l in 0..<nlist where l != home {
                    let distance = centerDistance(l, product[l])
                    if distance < near.limit { near.take(distance, UInt64(l)) }
                }
                lists[2 * (from + i)] = first[from + i]
                lists[2 * (from + i) + 1] = best(rows + (from + i) * dimension, home, near)
            }
        }
    }

    /// The list of the least loss.
    private func best(_ row: UnsafePointer<Float>, _ home: Int, _ near: TopK) -> UInt32 {
        let dimension = options.dimension
        let c = model.centroids.row(home), radius = model.radii[home]
        var square: Float = 0, whole: Float = 0
        for d in 0..<dimension {
            let r = row[d] - radius * c[d]
            square += r * r
            whole += row[d] * row[d]
        }
        var least = Float.infinity
        // Where all losses are beyond the range of floats: some list.
        var found = near.count > 0 ? UInt32(truncatingIfNeeded: near.ids[0]) : 0
        for i in 0..<near.count {
            let l = Int(near.ids[i]), other = model.centroids.row(l), reach = model.radii[l]
            var along: Float = 0
            for d in 0..<dimension { along += (row[d] - radius * c[d]) * (row[d] - reach * other[d]) }
            let penalty = square > 0x1p-100 ? along / square * along : 0
            let loss = near.distances[i] + whole + ListAssigner.weight * penalty
            if loss < least {
                least = loss
                found = UInt32(truncatingIfNeeded: l)
            }
        }
        return found
    }
}

extension RowBatch {
    /// Copies a row as float32; for cosine scaled to norm 1.
    func copy(
        _ i: Int, _ metric: Metric, _ target: UnsafeMutablePointer<Float>, _ table: KernelTable
    ) throws(VecStoreError) {
        try convertElements(row(i), type, target, .float32, dimension, table)
        guard metric == .cosine else { return }
        let inverse = 1 / Double(squaredNorm(i)).squareRoot()
        for d in 0..<dimension { target[d] = Float(Double(target[d]) * inverse) }
    }
}
