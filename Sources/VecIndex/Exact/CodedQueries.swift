// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// 8-bit codes of some queries of a block, as `CodeScan` reads them. Immutable after `init`.
struct CodedQueries: @unchecked Sendable {
    // Safety: written by init only.

    /// What is known of one query q ≈ s·a, where ‖q − s·a‖ ≤ e.
    struct Query {
        var scale: Float
        /// (‖q‖ + e) / s
        var errorWeight: Float
        /// e
        var error: Float
        /// ‖q‖, or 1 for cosine; at least `Limits.leastNorm`.
        var norm: Float
        var squaredNorm: Float
    }

    let queries: QueryBlock
    let group: Range<Int>
    /// Of each query of the group.
    let values: UnsafePointer<Query>
    /// Whether there are panels for the tile kernel; else there are rows of codes.
    let isTiled: Bool
    /// Signed codes, a query after the other; only where not tiled.
    let signed: UnsafePointer<Int8>
    /// Panels of `tileQueries` queries; only where tiled.
    let panels: UnsafePointer<UInt8>
    /// 128 times the sum of the codes of each query; only where tiled.
    let excess: UnsafePointer<Int32>
    private let memory: Buffer

    /// From this many queries on, codes are rearranged for the tile kernel.
    private static let leastTiled = 8

    init(_ context: ScanContext, _ queries: QueryBlock, _ group: Range<Int>) throws(VecStoreError) {
        self.queries = queries
        self.group = group
        let codes = context.table.codes
        let dimension = context.dimension, n = group.count
        let panelBytes = (dimension + 3) / 4 * 4
        let padded = (n + codes.tileQueries - 1) / codes.tileQueries * codes.tileQueries
        isTiled = n >= CodedQueries.leastTiled
        var layout = Layout()
        let valuesAt = layout.add(Query.self, n)
        let signedAt = layout.add(Int8.self, isTiled ? 0 : n * dimension)
        let panelsAt = layout.add(UInt8.self, isTiled ? padded * panelBytes : 0)
        let excessAt = layout.add(Int32.self, isTiled ? padded : 0)
        memory = try allocate(UInt8.self, layout.size, for: "the codes of \(n) queries")
        let values = memory.pointer(Query.self, at: valuesAt)
        let signed = memory.pointer(Int8.self, at: signedAt)
        let panels = memory.pointer(UInt8.self, at: panelsAt)
        let excess = memory.pointer(Int32.self, at: excessAt)
        self.values = UnsafePointer(values)
        self.signed = UnsafePointer(signed)
        self.panels = UnsafePointer(panels)
        self.excess = UnsafePointer(excess)

        var roomLayout = Layout()
        let unitAt = roomLayout.add(Float.self, dimension)
        let tileAt = roomLayout.add(Int8.self, isTiled ? codes.tileQueries * dimension : 0)
        let room = try allocate(UInt8.self, roomLayout.size, for: "the codes of \(n) queries")
        let unit = room.pointer(Float.self, at: unitAt), tile = room.pointer(Int8.self, at: tileAt)
        let encoder = RowEncoder(table: context.table, dimension: dimension)
        var i = 0
        while i < n {
            let count = isTiled ? min(codes.tileQueries, n - i) : 1
            let rows = isTiled ? tile : signed + i * dimension
            for c in 0..<count {
                values[i + c] = CodedQueries.encode(
                    queries, group.lowerBound + i + c, context.metric, encoder, unit, rows + c * dimension)
            }
            if isTiled {
                codes.pack(
                    UnsafeRawPointer(rows).assumingMemoryBound(to: UInt8.self), dimension, count, codes.tileQueries,
                    dimension, panels + i * panelBytes)
                for c in 0..<count {
                    // Without a check for overflow, which at most 65,536 elements cannot cause, the loop takes many at a time.
                    var sum: Int32 = 0
                    let code = rows + c * dimension
                    for d in 0..<dimension { sum &+= Int32(code[d]) }
                    excess[i + c] = 128 &* sum
                }
            }
            i += count
        }
    }

    private static func encode(
        _ queries: QueryBlock, _ i: Int, _ metric: Metric, _ encoder: RowEncoder, _ unit: UnsafeMutablePointer<Float>,
        _ signed: UnsafeMutablePointer<Int8>
    ) -> Query {
        let dimension = encoder.dimension
        let square = queries.squaredNorms?[i] ?? 0
        var norm = max(square.squareRoot(), Limits.leastNorm)
        // A caller's queries need no alignment: a copy has it. For cosine it is scaled to norm 1.
        let factor = metric == .cosine ? 1 / norm : 1
        let source = queries.query(i)
        for d in 0..<dimension { unit[d] = (source + 4 * d).loadUnaligned(as: Float.self) * factor }
        if metric == .cosine { norm = 1 }
        let unsigned = UnsafeMutableRawPointer(signed).assumingMemoryBound(to: UInt8.self)
        let (scale, error) = encoder.encode(unit, norm: norm, unsigned)
        for d in 0..<dimension { unsigned[d] ^= 0x80 }
        let s = scale > 0 ? scale : 1
        return Query(scale: s, errorWeight: (norm + error) / s, error: error, norm: norm, squaredNorm: square)
    }
}
