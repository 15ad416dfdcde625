// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Centroids, with what a search among them needs: norms, and 8-bit codes where the processor multiplies bytes.
package struct CentroidTable {
    let context: ScanContext
    let k: Int
    let dimension: Int
    let rows: UnsafeMutablePointer<Float>
    let memory: Buffer
    private let squares: UnsafeMutablePointer<Float>
    private let inverse: UnsafeMutablePointer<Double>
    /// 8-bit copies of the centroids, where the processor multiplies bytes.
    let codes: RowCodes?

    private static let piece = 64

    init(k: Int, dimension: Int, metric: Metric, table: KernelTable) throws(VecStoreError) {
        context = try ScanContext(table: table, metric: metric, type: .float32, dimension: dimension)
        self.k = k
        self.dimension = dimension
        let hasCodes = CentroidTable.hasCodes(table, dimension: dimension)
        guard let cells = product(k, dimension), cells < Int.max / 64 else {
            throw VecStoreError(.tooLarge, "\(k) centroids of \(dimension) elements are more than there is memory for")
        }
        var layout = Layout()
        let rows = layout.add(Float.self, cells)
        let squares = layout.add(Float.self, k)
        let inverse = layout.add(Double.self, k)
        let codes = layout.add(UInt8.self, hasCodes ? cells : 0)
        let scale = layout.add(Float.self, k)
        let error = layout.add(Float.self, k)
        memory = try allocate(UInt8.self, layout.size, for: "\(k) centroids")
        self.rows = memory.pointer(Float.self, at: rows)
        self.squares = memory.pointer(Float.self, at: squares)
        self.inverse = memory.pointer(Double.self, at: inverse)
        self.codes =
            hasCodes
            ? RowCodes(
                codes: memory.pointer(UInt8.self, at: codes), scale: memory.pointer(Float.self, at: scale),
                error: memory.pointer(Float.self, at: error)) : nil
    }

    /// A copy of a caller's centroids, checked.
    package init(
        _ centroids: UnsafeRawPointer, k: Int, dimension: Int, metric: Metric, threads: Int, table: KernelTable = .current
    ) throws(VecStoreError) {
        try self.init(k: k, dimension: dimension, metric: metric, table: table)
        try VectorCheck(metric: metric, noun: "centroid").check(
            centroids, type: .float32, count: k, dimension: dimension, table: table)
        memory.base.copyMemory(from: centroids, byteCount: 4 * k * dimension)
        try refresh(threads: threads)
    }

    /// Whether 8-bit codes make the search faster.
    static func hasCodes(_ table: KernelTable, dimension: Int) -> Bool { table.codes.tileIsFast && dimension >= 32 }

    func row(_ c: Int) -> UnsafeMutablePointer<Float> { rows + c * dimension }

    /// Takes note that centroids have changed.
    func refresh(threads: Int) throws(VecStoreError) {
        guard let kernel = context.table.squaredNorms(.float32) else {
            throw VecStoreError(.internalError, "no kernel for the norms of float32")
        }
        let errors = ErrorBox()
        let piece = CentroidTable.piece
        ThreadPool.shared.run(tasks: (k + piece - 1) / piece, threads: threads) { task in
            let from = task * piece
            let n = min(piece, k - from)
            kernel(row(from), 4 * dimension, n, dimension, squares + from)
            for c in from..<(from + n) { inverse[c] = 1 / Double(squares[c]).squareRoot() }
            guard let codes else { return }
            errors.run { () throws(VecStoreError) in
                let encoder = try FloatRowEncoder(context)
                for c in from..<(from + n) {
                    let made = encoder.encode(
                        row(c), squaredNorm: squares[c], UnsafeMutablePointer(mutating: codes.codes) + c * dimension)
                    UnsafeMutablePointer(mutating: codes.scale)[c] = made.scale
                    UnsafeMutablePointer(mutating: codes.error)[c] = made.error
                }
            }
        }
        try errors.rethrow()
    }

    /// As rows to search, whose ids are their numbers. Valid until centroids change.
    private var block: RowBlock {
        var block = RowBlock(rows: rows, stride: 4 * dimension, count: k)
        if context.metric == .cosine {
            block.inverseNorms = UnsafePointer(inverse)
        } else {
            block.squaredNorms = UnsafePointer(squares)
        }
        block.codes = codes
        return block
    }

    /// Finds the nearest centroid of each row, exactly; of several that tie the first.
    /// - Parameters:
    ///   - assignments: Where `hasPrior`: a centroid that is likely to be near, of each row. Then the nearest.
    ///   - distances: To the nearest.
    ///   - coded: The codes of the rows, where there are any.
    func assign(
        _ rows: QueryBlock, _ assignments: UnsafeMutablePointer<UInt32>, _ distances: UnsafeMutablePointer<Float>,
        hasPrior: Bool, threads: Int, coded: [CodedQueries]? = nil
    ) throws(VecStoreError) {
        let n = rows.count
        if n == 0 { return }
        let block = self.block
        let scan = ExactScan(context, rows, [block], threads: threads, coded: coded)
        let sinkMemory = try allocate(NearestSink.self, n * scan.partCount, for: "the centroids of \(n) rows")
        let sinks = sinkMemory.pointer(NearestSink.self)
        let piece = 512
        ThreadPool.shared.run(tasks: (n + piece - 1) / piece, threads: threads) { task in
            for i in (task * piece)..<min((task + 1) * piece, n) {
                var sink = NearestSink()
                if hasPrior {
                    var distance: Float = 0
                    context.distances(rows, i, block, positions: assignments + i, count: 1, &distance)
                    sink.take(distance, UInt64(assignments[i]))
                }
                for part in 0..<scan.partCount { sinks[part * n + i] = sink }
            }
        }
        try scan.run(sinks)
        for i in 0..<n {
            for part in 1..<max(scan.partCount, 1) { sinks[i].merge(sinks[part * n + i]) }
            assignments[i] = UInt32(truncatingIfNeeded: sinks[i].id)
            distances[i] = sinks[i].distance
        }
    }
}
