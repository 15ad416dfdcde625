// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// One exact search over blocks of rows: how the work is cut into tasks, and which scan each block gets.
struct ExactScan {
    let context: ScanContext
    let queries: QueryBlock
    let blocks: [RowBlock]
    let threads: Int
    private let groups: [Range<Int>]
    /// The codes of the queries of each group, where somebody has made them already.
    private let coded: [CodedQueries]?
    private let parts: [[Piece]]

    /// Some rows of one block.
    struct Piece {
        var block: Int
        var range: Range<Int>
    }

    /// Multiplications and additions below which one thread is faster than two: the work of some 100 microseconds.
    private static let leastParallelWork = 1 << 22
    /// Least rows of one task.
    private static let leastPartRows = 1024

    /// - Parameter coded: The codes of all queries, in groups.
    init(
        _ context: ScanContext, _ queries: QueryBlock, _ blocks: [RowBlock], threads: Int, coded: [CodedQueries]? = nil
    ) {
        self.coded = coded
        self.context = context
        self.queries = queries
        self.blocks = blocks
        let rows = blocks.reduce(0) { $0 + $1.wantedCount }
        let work = product(queries.count, rows, context.dimension) ?? Int.max
        self.threads = work < ExactScan.leastParallelWork ? 1 : threads

        groups = coded?.map(\.group) ?? ExactScan.groups(queries.count, context.dimension, threads: self.threads)

        let allRows = blocks.reduce(0) { $0 + $1.count }
        // More tasks than threads: one that is held up does not hold up all.
        let wantedParts = groups.count >= self.threads ? 1 : (2 * self.threads + groups.count - 1) / max(groups.count, 1)
        let partCount = max(1, min(wantedParts, allRows / ExactScan.leastPartRows))
        parts = ExactScan.cut(blocks, allRows, into: self.threads == 1 ? 1 : partCount)
    }

    /// Cuts queries into groups: the codes of one stay in the L2 cache.
    static func groups(_ count: Int, _ dimension: Int, threads: Int) -> [Range<Int>] {
        let largest = max(16, min(1024, (512 << 10) / dimension))
        var groups = (count + largest - 1) / largest
        if count >= 32 * threads { groups = max(groups, threads) }
        return cut(count, into: groups)
    }

    private static func cut(_ count: Int, into pieces: Int) -> [Range<Int>] {
        (0..<max(pieces, 0)).map { (count * $0 / pieces)..<(count * ($0 + 1) / pieces) }
    }

    private static func cut(_ blocks: [RowBlock], _ rows: Int, into count: Int) -> [[Piece]] {
        var parts: [[Piece]] = []
        var block = 0
        var from = 0
        for part in 0..<count {
            var left = rows * (part + 1) / count - rows * part / count
            var pieces: [Piece] = []
            while left > 0 && block < blocks.count {
                let n = min(left, blocks[block].count - from)
                if n > 0 && blocks[block].wantedCount > 0 {
                    pieces.append(Piece(block: block, range: from..<(from + n)))
                }
                left -= n
                from += n
                if from == blocks[block].count {
                    block += 1
                    from = 0
                }
            }
            parts.append(pieces)
        }
        return parts
    }

    // MARK: - Running

    /// Scans everything. Query i's results of part p go into sinks[p · queries + i].
    func run<S: ResultSink>(
        _ sinks: UnsafeMutablePointer<S>
    ) throws(VecStoreError) {
        let errors = ErrorBox()
        let useBLAS = ExactScan.productsPay(context, queries: groups.first?.count ?? 0)
        ThreadPool.shared.run(tasks: groups.count * parts.count, threads: threads) { task in
            let group = task % groups.count
            let part = task / groups.count
            errors.run { () throws(VecStoreError) in
                try scan(group, parts[part], useBLAS, sinks + part * queries.count + groups[group].lowerBound)
            }
        }
        try errors.rethrow()
    }

    /// The number of sinks per query.
    var partCount: Int { parts.count }

    private func scan<S: ResultSink>(
        _ number: Int, _ pieces: [Piece], _ useBLAS: Bool, _ sinks: UnsafeMutablePointer<S>
    ) throws(VecStoreError) {
        let group = groups[number]
        let direct = try DirectScan(context)
        var products: ProductScan?
        var codes: CodeScan?
        var work = CodeScan.Work()
        for piece in pieces {
            let block = blocks[piece.block]
            var range = piece.range
            let isSparse = block.wantedCount * 8 < block.count
            let encodes = ExactScan.encodingPays(context, queries: group.count)
            if (block.codes != nil || encodes) && !isSparse && !work.isWasted {
                if codes == nil {
                    let own = coded == nil ? try CodedQueries(context, queries, group) : nil
                    if let made = own ?? coded?[number] {
                        codes = try CodeScan(context, made, encodesRows: encodes)
                    }
                }
                if let codes { range = try codes.scan(block, range, sinks, &work)..<range.upperBound }
            }
            if range.isEmpty { continue }
            if useBLAS && !isSparse && Int(bitPattern: block.rows) & 3 == 0 {
                if products == nil { products = try ProductScan(context) }
                try BLAS.onOneThread { () throws(VecStoreError) in
                    try products?.scan(queries, group, block, range, sinks)
                }
            } else {
                try direct.scan(queries, group, block, range, sinks)
            }
        }
    }

    /// Whether rows without codes are best encoded on the way: encoding a row costs about as much as comparing it with 40
    /// queries through codes saves, where the processor multiplies bytes.
    private static func encodingPays(_ context: ScanContext, queries: Int) -> Bool {
        guard context.table.codes.tileIsFast, context.type.isFloat, context.dimension >= 32 else { return false }
        switch context.metric {
        case .l2Squared, .innerProduct, .cosine: return queries >= 48
        default: return false
        }
    }

    /// Whether a matrix product, which has to be looked through and rearranges its input, beats comparing directly.
    static func productsPay(_ context: ScanContext, queries: Int) -> Bool {
        guard context.type.isFloat, BLAS.identity.name != "reference" else { return false }
        switch context.metric {
        case .l2Squared, .innerProduct, .cosine:
            let least = context.type == .float32 ? leastProductQueries : 2 * leastProductQueries
            return queries * context.dimension >= leastProductWork && queries >= least
        default:
            return false
        }
    }

    // Measured (`vecstore-kernel-bench crossover`): from here on a block of products costs less than direct comparison.
    // BLAS rearranges all rows for each block of queries, and rows of 16-bit floats are widened before.
    private static let leastProductWork = 1024
    private static let leastProductQueries = 16
}
