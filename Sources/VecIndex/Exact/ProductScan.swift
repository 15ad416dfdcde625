// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Exact search of many queries through matrix products (BLAS). A product tells the distance up to rounding; rows that
/// may be within the limit, with a bound on that rounding, are compared in full. No matrix of distances is kept: a block
/// of products is looked through while it is in the cache.
struct ProductScan {
    let context: ScanContext
    private let memory: Buffer
    private let widened: UnsafeMutablePointer<Float>
    private let products: UnsafeMutablePointer<Float>
    private let offsets: UnsafeMutablePointer<Float>
    private let scales: UnsafeMutablePointer<Float>
    private let reader: PieceReader
    private let positions: UnsafeMutablePointer<UInt32>
    private let distances: UnsafeMutablePointer<Float>

    static let mostQueries = 128
    private static let pieceRows = 1024

    init(_ context: ScanContext) throws(VecStoreError) {
        self.context = context
        let rows = ProductScan.pieceRows
        var layout = Layout()
        let widened = layout.add(Float.self, context.type == .float32 ? 0 : rows * context.dimension)
        let products = layout.add(Float.self, ProductScan.mostQueries * rows)
        let offsets = layout.add(Float.self, rows)
        let scales = layout.add(Float.self, rows)
        let positions = layout.add(UInt32.self, rows)
        let distances = layout.add(Float.self, rows)
        memory = try allocate(UInt8.self, layout.size, for: "a block of products")
        self.widened = memory.pointer(Float.self, at: widened)
        self.products = memory.pointer(Float.self, at: products)
        self.offsets = memory.pointer(Float.self, at: offsets)
        self.scales = memory.pointer(Float.self, at: scales)
        reader = try PieceReader(context, rows: rows)
        self.positions = memory.pointer(UInt32.self, at: positions)
        self.distances = memory.pointer(Float.self, at: distances)
    }

    /// Scans rows `range` of a block for queries `group`; sinks[i] belongs to query group.lowerBound + i.
    func scan<S: ResultSink>(
        _ queries: QueryBlock, _ group: Range<Int>, _ block: RowBlock, _ range: Range<Int>,
        _ sinks: UnsafeMutablePointer<S>
    ) throws(VecStoreError) {
        var from = range.lowerBound
        while from < range.upperBound {
            let count = min(ProductScan.pieceRows, range.upperBound - from)
            let rows = floats(block, from, count)
            let largest = try describe(block, from, count)
            var first = group.lowerBound
            while first < group.upperBound {
                let n = min(ProductScan.mostQueries, group.upperBound - first)
                BLAS.innerProducts(
                    queries: queries.query(first).assumingMemoryBound(to: Float.self), count: n, rows: rows,
                    rowCount: count, dimension: context.dimension, products: products, stride: ProductScan.pieceRows)
                for i in 0..<n {
                    compare(
                        queries, first + i, block, from, count, largest, products + i * ProductScan.pieceRows,
                        &sinks[first + i - group.lowerBound])
                }
                first += n
            }
            from += count
        }
    }

    /// Rows of a block as float32.
    private func floats(_ block: RowBlock, _ from: Int, _ count: Int) -> UnsafePointer<Float> {
        let rows = block.rows + from * block.stride
        if context.type == .float32 { return rows.assumingMemoryBound(to: Float.self) }
        convertToFloat32(rows, context.type, widened, count * context.dimension, context.table)
        return UnsafePointer(widened)
    }

    /// Sets what turns products into distances: offset + scale · product. Returns the largest ‖x‖.
    private func describe(_ block: RowBlock, _ from: Int, _ count: Int) throws(VecStoreError) -> Float {
        if context.metric == .cosine, let inverse = block.inverseNorms {
            for j in 0..<count {
                offsets[j] = 0
                scales[j] = 0 - Float(inverse[from + j])
            }
            return 1
        }
        let squares = try reader.squaredNorms(block, from, count)
        var largest: Float = 0
        for j in 0..<count {
            let square = squares?[j] ?? 0
            if square > largest { largest = square }
            switch context.metric {
            case .l2Squared:
                offsets[j] = square
                scales[j] = -2
            case .cosine:
                offsets[j] = 0
                scales[j] = -1 / square.squareRoot()
            default:
                offsets[j] = 0
                scales[j] = -1
            }
        }
        return context.metric == .cosine ? 1 : max(largest.squareRoot(), Limits.leastNorm)
    }

    private func compare<S: ResultSink>(
        _ queries: QueryBlock, _ i: Int, _ block: RowBlock, _ from: Int, _ count: Int, _ largest: Float,
        _ products: UnsafePointer<Float>, _ sink: inout S
    ) {
        let square = queries.squaredNorms?[i] ?? 0
        let norm = max(square.squareRoot(), Limits.leastNorm)
        if S.keepsOne && sink.limit == .infinity { takeLikeliest(queries, i, block, from, count, products, &sink) }
        let limit: Float
        switch context.metric {
        case .l2Squared:
            limit = sink.limit - square + 8 * context.rounding * (norm * norm + largest * largest)
        case .cosine:
            limit = (sink.limit - 1 + 4 * context.rounding) * norm
        default:
            limit = sink.limit + 4 * context.rounding * norm * largest
        }
        let found = context.table.selectAffine(products, offsets, scales, count, limit, positions)
        var kept = 0
        for f in 0..<found {
            let j = from + Int(positions[f])
            if block.isWanted(j) {
                positions[kept] = UInt32(truncatingIfNeeded: j)
                kept += 1
            }
        }
        if kept == 0 { return }
        context.distances(queries, i, block, positions: positions, count: kept, distances)
        for f in 0..<kept where distances[f] <= sink.limit {
            sink.take(distances[f], block.id(Int(positions[f])))
        }
    }

    /// Gives a sink the row that is the nearest by its product.
    private func takeLikeliest<S: ResultSink>(
        _ queries: QueryBlock, _ i: Int, _ block: RowBlock, _ from: Int, _ count: Int, _ products: UnsafePointer<Float>,
        _ sink: inout S
    ) {
        var best = -1
        var least = Float.infinity
        for j in 0..<count {
            let value = offsets[j] + scales[j] * products[j]
            if value < least && block.isWanted(from + j) {
                least = value
                best = j
            }
        }
        guard best >= 0 else { return }
        positions[0] = UInt32(truncatingIfNeeded: from + best)
        context.distances(queries, i, block, positions: positions, count: 1, distances)
        sink.take(distances[0], block.id(from + best))
    }
}
