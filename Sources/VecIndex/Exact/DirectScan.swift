// SPDX-License-Identifier: Apache-2.0

/// Compares queries with rows one by one. Rows are taken in pieces that stay in the cache while all queries pass over them.
struct DirectScan {
    let context: ScanContext
    private let scratch: Buffer
    private let distances: UnsafeMutablePointer<Float>
    private let positions: UnsafeMutablePointer<UInt32>
    private let pieceRows: Int
    private let reader: PieceReader

    /// Bytes of rows in one piece: half of a usual L2 cache of 256 KiB.
    private static let pieceBytes = 128 << 10
    private static let mostRows = 1024

    init(_ context: ScanContext) throws(VecStoreError) {
        self.context = context
        pieceRows = max(16, min(DirectScan.mostRows, DirectScan.pieceBytes / max(context.rowSize, 1)))
        reader = try PieceReader(context, rows: pieceRows)
        scratch = try allocate(UInt64.self, DirectScan.mostRows, for: "a scan")
        distances = scratch.pointer(Float.self)
        positions = scratch.pointer(UInt32.self, at: 4 * DirectScan.mostRows)
    }

    /// Scans rows `range` of a block for queries `group`; sinks[i] belongs to query group.lowerBound + i.
    func scan<S: ResultSink>(
        _ queries: QueryBlock, _ group: Range<Int>, _ block: RowBlock, _ range: Range<Int>,
        _ sinks: UnsafeMutablePointer<S>
    ) throws(VecStoreError) {
        if block.wanted != nil && block.wantedCount * 8 < block.count {
            scanWanted(queries, group, block, range, sinks)
            return
        }
        var from = range.lowerBound
        while from < range.upperBound {
            let count = min(pieceRows, range.upperBound - from)
            try reader.check(block, from, count)
            for i in group {
                context.distances(queries, i, block, from: from, count: count, distances)
                take(block, from, count, &sinks[i - group.lowerBound])
            }
            from += count
        }
    }

    private func take<S: ResultSink>(_ block: RowBlock, _ from: Int, _ count: Int, _ sink: inout S) {
        let found = context.table.select(distances, count, sink.limit, positions)
        for f in 0..<found {
            let j = Int(positions[f])
            if distances[j] <= sink.limit && block.isWanted(from + j) { sink.take(distances[j], block.id(from + j)) }
        }
    }

    /// Few rows are wanted: only these are read.
    private func scanWanted<S: ResultSink>(
        _ queries: QueryBlock, _ group: Range<Int>, _ block: RowBlock, _ range: Range<Int>,
        _ sinks: UnsafeMutablePointer<S>
    ) {
        var from = range.lowerBound
        while from < range.upperBound {
            var count = 0
            while from < range.upperBound && count < pieceRows {
                // Bytes without a bit are passed over whole.
                if from & 7 == 0, let wanted = block.wanted, wanted[from >> 3] == 0 {
                    from = min(from + 8, range.upperBound)
                    continue
                }
                if block.isWanted(from) {
                    positions[count] = UInt32(truncatingIfNeeded: from)
                    count += 1
                }
                from += 1
            }
            for i in group {
                context.distances(queries, i, block, positions: positions, count: count, distances)
                let s = i - group.lowerBound
                for c in 0..<count where distances[c] <= sinks[s].limit {
                    sinks[s].take(distances[c], block.id(Int(positions[c])))
                }
            }
        }
    }
}
