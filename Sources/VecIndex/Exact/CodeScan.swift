// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Exact search through 8-bit codes: the integer product of two codes bounds the distance from below; only rows whose
/// bound is within the limit are compared in full. The results are those of `DirectScan`, bit for bit.
///
/// The bound. With q ≈ s·a and x ≈ t·c (a, c integers; ‖q − s·a‖ ≤ e, ‖x − t·c‖ ≤ f):
/// q·x ≤ s·t·(a·c) + e·‖t·c‖ + ‖q‖·f ≤ s·t·(a·c) + e·‖x‖ + (‖q‖ + e)·f.
/// A row is a candidate where that reaches the product that the limit asks for, divided here by s.
struct CodeScan {
    let context: ScanContext
    private let codes: CodeKernels

    /// Rows taken at a time: their codes stay in the L2 cache while all queries pass over them.
    private let pieceRows: Int
    private let groups: Int
    /// Queries of this scan, and their codes.
    private let coded: CodedQueries
    private var queries: QueryBlock { coded.queries }
    private var group: Range<Int> { coded.group }
    private let scratch: Scratch
    private let reader: PieceReader
    private let rowEncoder: FloatRowEncoder
    private let encodesRows: Bool

    private struct Scratch {
        let memory: Buffer
        let rowPanels: UnsafeMutablePointer<UInt8>
        let products: UnsafeMutablePointer<Int32>
        let positions: UnsafeMutablePointer<UInt32>
        let distances: UnsafeMutablePointer<Float>
        let codes: UnsafeMutablePointer<UInt8>
        let scale: UnsafeMutablePointer<Float>
        let error: UnsafeMutablePointer<Float>
    }

    /// The codes of the rows of one piece, with their columns.
    private struct PieceCodes {
        let codes: UnsafePointer<UInt8>
        let scale: UnsafePointer<Float>
        let error: UnsafePointer<Float>
        /// Σ x² of each row; only for L2 and inner product.
        let squares: UnsafePointer<Float>?
        /// The largest ‖x‖ (1 for cosine, which has codes of scaled rows).
        let largestNorm: Float
    }

    private static let mostRows = 256

    /// Encodes queries `group`.
    /// - Parameter encodesRows: Whether blocks without codes are to be scanned too.
    init(
        _ context: ScanContext, _ queries: QueryBlock, _ group: Range<Int>, encodesRows: Bool = false
    ) throws(VecStoreError) {
        try self.init(context, CodedQueries(context, queries, group), encodesRows: encodesRows)
    }

    init(_ context: ScanContext, _ coded: CodedQueries, encodesRows: Bool) throws(VecStoreError) {
        self.context = context
        self.coded = coded
        codes = context.table.codes
        groups = (context.dimension + 3) / 4
        // At most 128 KiB of codes, whole panels.
        let panels = max(1, min(CodeScan.mostRows, (128 << 10) / context.dimension) / codes.tileRows)
        pieceRows = panels * codes.tileRows

        var layout = Layout()
        let rowPanels = layout.add(UInt8.self, coded.isTiled ? pieceRows * groups * 4 : 0)
        let products = layout.add(Int32.self, coded.isTiled ? codes.tileQueries * pieceRows : pieceRows)
        let positions = layout.add(UInt32.self, pieceRows)
        let distances = layout.add(Float.self, pieceRows)
        let rowCodes = layout.add(UInt8.self, encodesRows ? pieceRows * context.dimension : 0)
        let rowScale = layout.add(Float.self, pieceRows)
        let rowError = layout.add(Float.self, pieceRows)
        let memory = try allocate(UInt8.self, layout.size, for: "a scan of codes")
        scratch = Scratch(
            memory: memory, rowPanels: memory.pointer(UInt8.self, at: rowPanels),
            products: memory.pointer(Int32.self, at: products), positions: memory.pointer(UInt32.self, at: positions),
            distances: memory.pointer(Float.self, at: distances), codes: memory.pointer(UInt8.self, at: rowCodes),
            scale: memory.pointer(Float.self, at: rowScale), error: memory.pointer(Float.self, at: rowError))
        reader = try PieceReader(context, rows: pieceRows)
        rowEncoder = try FloatRowEncoder(context)
        self.encodesRows = encodesRows
    }

    /// How many rows of late were looked at, and how many of them had to be compared in full.
    struct Work {
        fileprivate var rows = 0
        fileprivate var scanned = 0
        fileprivate var compared = 0
        /// Whether the codes rule out too little to be worth it.
        fileprivate(set) var isWasted = false

        /// Judges now and then. The first rows tell nothing: the results are not full, or still far from the best.
        fileprivate mutating func judge(_ count: Int) {
            let period = 1 << 14
            let before = rows / period
            rows += count
            guard rows / period > before else { return }
            isWasted = before > 0 && compared * 8 > scanned
            scanned = 0
            compared = 0
        }
    }

    /// Scans rows `range` of a block; sinks[i] belongs to query group.lowerBound + i. Returns where it stopped: before the
    /// end where the codes rule out too little, or where there are none.
    func scan<S: ResultSink>(
        _ block: RowBlock, _ range: Range<Int>, _ sinks: UnsafeMutablePointer<S>, _ work: inout Work
    ) throws(VecStoreError) -> Int {
        guard block.codes != nil || encodesRows else { return range.lowerBound }
        var from = range.lowerBound
        while from < range.upperBound && !work.isWasted {
            let count = min(pieceRows, range.upperBound - from)
            let piece = try codes(of: block, from, count)
            if coded.isTiled {
                scanTiled(block, piece, from, count, sinks, &work)
            } else {
                for i in 0..<group.count {
                    codes.rows(
                        coded.signed + i * context.dimension, piece.codes, context.dimension, count,
                        context.dimension, scratch.products)
                    compare(i, block, piece, from, count, scratch.products, &sinks[i], &work)
                }
            }
            from += count
            work.judge(count)
        }
        return from
    }

    /// The codes of a piece: kept, or made now.
    private func codes(of block: RowBlock, _ from: Int, _ count: Int) throws(VecStoreError) -> PieceCodes {
        let isCosine = context.metric == .cosine
        let squares = isCosine && block.codes != nil ? nil : try reader.squaredNorms(block, from, count)
        var largest: Float = 1
        if !isCosine, let squares {
            largest = 0
            for j in 0..<count where squares[j] > largest { largest = squares[j] }
            largest = max(largest.squareRoot(), Limits.leastNorm)
        }
        if let kept = block.codes {
            return PieceCodes(
                codes: kept.codes + from * context.dimension, scale: kept.scale + from, error: kept.error + from,
                squares: squares, largestNorm: largest)
        }
        for j in 0..<count {
            let made = rowEncoder.encode(
                block.rows + (from + j) * block.stride, squaredNorm: squares?[j] ?? 0,
                scratch.codes + j * context.dimension)
            scratch.scale[j] = made.scale
            scratch.error[j] = made.error
        }
        return PieceCodes(
            codes: scratch.codes, scale: scratch.scale, error: scratch.error, squares: squares, largestNorm: largest)
    }

    private func scanTiled<S: ResultSink>(
        _ block: RowBlock, _ piece: PieceCodes, _ from: Int, _ count: Int, _ sinks: UnsafeMutablePointer<S>,
        _ work: inout Work
    ) {
        let dimension = context.dimension
        let tileRows = codes.tileRows
        let panelBytes = tileRows * groups * 4
        let panels = (count + tileRows - 1) / tileRows
        for p in 0..<panels {
            let first = p * tileRows
            codes.pack(
                piece.codes + first * dimension, dimension, min(tileRows, count - first), tileRows, dimension,
                scratch.rowPanels + p * panelBytes)
        }
        var i = 0
        while i < group.count {
            for p in 0..<panels {
                codes.tile(
                    coded.panels + i * groups * 4, scratch.rowPanels + p * panelBytes, groups,
                    coded.excess + i, scratch.products + p * tileRows, pieceRows)
            }
            for c in 0..<min(codes.tileQueries, group.count - i) {
                compare(i + c, block, piece, from, count, scratch.products + c * pieceRows, &sinks[i + c], &work)
            }
            i += codes.tileQueries
        }
    }

    /// Compares query i in full with the rows that its products do not rule out.
    private func compare<S: ResultSink>(
        _ i: Int, _ block: RowBlock, _ piece: PieceCodes, _ from: Int, _ count: Int,
        _ products: UnsafePointer<Int32>, _ sink: inout S, _ work: inout Work
    ) {
        let largest = piece.largestNorm
        let query = coded.values[i]
        if S.keepsOne && sink.limit == .infinity { takeLikeliest(i, block, piece, from, count, products, &sink) }
        let limit = sink.limit
        var needed: Float
        var slack: Float
        var offset = piece.error
        var offsetWeight: Float = 0
        switch context.metric {
        case .l2Squared:
            // ‖q − x‖² ≤ limit where q·x ≥ (‖q‖² + ‖x‖² − limit) / 2
            needed = (query.squaredNorm - limit) / 2
            slack = 4 * context.rounding * (query.norm * query.norm + largest * largest)
            if let squares = piece.squares {
                offset = squares
                offsetWeight = 0.5 / query.scale
            }
        case .cosine:
            needed = 1 - limit
            slack = 4 * context.rounding
        default:
            needed = 0 - limit
            slack = 4 * context.rounding * query.norm * largest
        }
        needed -= query.error * largest + slack
        let found = codes.select(
            products, piece.scale, piece.error, offset, count, query.errorWeight,
            offsetWeight, needed / query.scale, scratch.positions)
        work.scanned += count
        if found == 0 { return }
        var kept = 0
        for f in 0..<found {
            let j = from + Int(scratch.positions[f])
            if block.isWanted(j) {
                scratch.positions[kept] = UInt32(truncatingIfNeeded: j)
                kept += 1
            }
        }
        work.compared += kept
        context.distances(
            queries, group.lowerBound + i, block, positions: scratch.positions, count: kept, scratch.distances)
        for f in 0..<kept where scratch.distances[f] <= sink.limit {
            sink.take(scratch.distances[f], block.id(Int(scratch.positions[f])))
        }
    }
}

extension CodeScan {
    /// Gives a sink the row that is the nearest by its codes.
    private func takeLikeliest<S: ResultSink>(
        _ i: Int, _ block: RowBlock, _ piece: PieceCodes, _ from: Int, _ count: Int, _ products: UnsafePointer<Int32>,
        _ sink: inout S
    ) {
        let squares = context.metric == .l2Squared ? piece.squares : nil
        let offsetWeight = 0.5 / coded.values[i].scale
        var best = -1
        var most = -Float.infinity
        for j in 0..<count {
            var value = piece.scale[j] * Float(products[j])
            if let squares { value -= offsetWeight * squares[j] }
            if value > most && block.isWanted(from + j) {
                most = value
                best = j
            }
        }
        guard best >= 0 else { return }
        scratch.positions[0] = UInt32(truncatingIfNeeded: from + best)
        context.distances(
            queries, group.lowerBound + i, block, positions: scratch.positions, count: 1, scratch.distances)
        sink.take(scratch.distances[0], block.id(from + best))
    }
}

/// Places for several arrays in one buffer, each aligned to 64 bytes.
struct Layout {
    private(set) var size = 0

    /// - Returns: The offset of an array of `count` elements.
    mutating func add<T>(_: T.Type, _ count: Int) -> Int {
        let offset = size
        size += (count * MemoryLayout<T>.stride + 63) / 64 * 64
        return offset
    }
}
