// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Rows that centroids are trained on: float32, one behind the other.
struct TrainingRows {
    let base: UnsafePointer<Float>
    let count: Int
    let dimension: Int
    /// Some rows, with their norms, and their codes where these help.
    struct Piece {
        let rows: QueryBlock
        let coded: [CodedQueries]?
    }

    /// All rows: between two pieces a long call can be stopped.
    let pieces: [Piece]
    /// 1 / ‖x‖ of each row; nil but for cosine.
    let inverseNorms: UnsafePointer<Float>?
    private let sample: SampleRows
    private let norms: Buffer

    private static let pieceRows = 16_384

    init(_ sample: SampleRows, _ source: RowSource, threads: Int) throws(VecStoreError) {
        self.sample = sample
        base = sample.base
        count = sample.count
        dimension = source.dimension
        let context = try ScanContext(
            table: source.table, metric: source.metric, type: .float32, dimension: source.dimension)
        let isCoded = CentroidTable.hasCodes(source.table, dimension: source.dimension)
        var pieces: [Piece] = []
        var from = 0
        while from < count {
            let n = min(TrainingRows.pieceRows, count - from)
            let rows = try QueryBlock(
                base + from * source.dimension, type: .float32, count: n, dimension: source.dimension,
                metric: source.metric, rowType: .float32, table: source.table)
            pieces.append(Piece(rows: rows, coded: isCoded ? try TrainingRows.code(rows, context, threads) : nil))
            from += n
        }
        self.pieces = pieces
        norms = try allocate(Float.self, source.metric == .cosine ? count : 0, for: "the norms of \(count) rows")
        guard source.metric == .cosine else {
            inverseNorms = nil
            return
        }
        let inverse = norms.pointer(Float.self)
        for i in 0..<count {
            let square = pieces[i / TrainingRows.pieceRows].rows.squaredNorms?[i % TrainingRows.pieceRows] ?? 1
            inverse[i] = Float(1 / Double(square).squareRoot())
        }
        inverseNorms = UnsafePointer(inverse)
    }

    /// Makes the codes of rows once for all passes.
    private static func code(
        _ rows: QueryBlock, _ context: ScanContext, _ threads: Int
    ) throws(VecStoreError) -> [CodedQueries] {
        let groups = ExactScan.groups(rows.count, context.dimension, threads: threads)
        let made = Made(groups.count)
        let errors = ErrorBox()
        ThreadPool.shared.run(tasks: groups.count, threads: threads) { g in
            errors.run { () throws(VecStoreError) in made.set(g, try CodedQueries(context, rows, groups[g])) }
        }
        try errors.rethrow()
        return made.all
    }

    /// Takes what several threads make.
    private final class Made: @unchecked Sendable {
        // Safety: `found` is touched under `lock` only.

        private let lock = Lock()
        private var found: [CodedQueries?]

        init(_ count: Int) { found = Array(repeating: nil, count: count) }

        func set(_ i: Int, _ coded: CodedQueries) { lock.withLock { found[i] = coded } }
        var all: [CodedQueries] { lock.withLock { found.compactMap { $0 } } }
    }
}
