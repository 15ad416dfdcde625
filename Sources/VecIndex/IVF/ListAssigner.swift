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
            from += n
        }
        return memory
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
                    // ‖x − center‖² but for ‖x‖²
                    let radius = model.radii[l]
                    let distance = radius * (radius * model.squares[l] - 2 * product[l])
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
