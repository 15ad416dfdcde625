// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

/// 8-bit codes of rows of one vector that wait for its graph. Searches compare these rows one by one, and read a quarter of the
/// bytes with codes; what they find is the same.
///
/// A value: the writer makes the next one of the last, and shows it with the state that has the rows.
struct WaitingRows: Sendable {
    /// Rows that have codes.
    private(set) var rows = 0..<0
    /// Each has the codes of `segmentRows` rows, from `base` on.
    private var segments: [CodedRows] = []
    /// The row of the first place; a multiple of 8, so that bits of rows begin with a byte.
    private var base = 0

    private static let segmentRows = 4096
    /// Codes of more rows are not kept: the graph is far behind, and memory is for something better.
    private static let mostBytes = 64 << 20

    /// Makes codes of rows that were just written.
    /// - Parameter indexedRows: Rows of the graph: their codes are let go.
    mutating func append(_ new: Range<Int>, _ file: RowFile, _ context: ScanContext, indexedRows: Int) throws(VecStoreError) {
        drop(below: indexedRows)
        if rows.upperBound != new.lowerBound {
            // Those between have none, so the next ones have some only once these are in the graph.
            guard rows.upperBound <= indexedRows else { return }
            self = WaitingRows()
            base = new.lowerBound & ~7
            rows = new.lowerBound..<new.lowerBound
        }
        guard (rows.count + new.count) * (context.dimension + 16) <= WaitingRows.mostBytes else { return }
        var from = new.lowerBound
        while from < new.upperBound {
            let place = from - base
            if place / WaitingRows.segmentRows == segments.count {
                segments.append(try CodedRows(context, capacity: WaitingRows.segmentRows))
            }
            let end = min(new.upperBound, base + segments.count * WaitingRows.segmentRows)
            let inSegment = place % WaitingRows.segmentRows
            try segments[place / WaitingRows.segmentRows].encode(
                inSegment..<(inSegment + end - from), file.row(from), stride: file.stride)
            from = end
        }
        rows = rows.lowerBound..<new.upperBound
    }

    private mutating func drop(below row: Int) {
        var dropped = 0
        while dropped < segments.count && base + WaitingRows.segmentRows <= row {
            base += WaitingRows.segmentRows
            dropped += 1
        }
        guard dropped > 0 else { return }
        segments.removeFirst(dropped)
        rows = min(max(rows.lowerBound, base), rows.upperBound)..<rows.upperBound
    }

    /// Rows `range` as blocks to compare, with codes where there are some.
    /// - Parameter isMasked: Whether all blocks are to begin with multiples of 8, as the range does then.
    func blocks(_ range: Range<Int>, _ file: RowFile, isMasked: Bool) -> [RowBlock] {
        var blocks: [RowBlock] = []
        func add(_ block: RowBlock, from row: Int) {
            var block = block
            block.firstID = UInt64(row)
            blocks.append(block)
        }
        func addPlain(_ plain: Range<Int>) {
            if plain.isEmpty { return }
            add(RowBlock(rows: file.row(plain.lowerBound), stride: file.stride, count: plain.count), from: plain.lowerBound)
        }
        var from = max(rows.lowerBound, range.lowerBound), end = min(rows.upperBound, range.upperBound)
        if isMasked {
            from = (from + 7) & ~7
            if end < range.upperBound { end &= ~7 }
        }
        guard from < end else {
            addPlain(range)
            return blocks
        }
        addPlain(range.lowerBound..<from)
        while from < end {
            let number = (from - base) / WaitingRows.segmentRows
            let start = base + number * WaitingRows.segmentRows
            let next = min(end, start + WaitingRows.segmentRows)
            add(segments[number].block((from - start)..<(next - start), file.row(start), stride: file.stride), from: from)
            from = next
        }
        addPlain(end..<range.upperBound)
        return blocks
    }

    /// Bytes that codes of so many more rows take at most.
    static func bytes(_ rows: Int, dimension: Int) -> Int { (rows + segmentRows) * (dimension + 16) }

    /// Bytes of memory held.
    var bytes: Int { segments.reduce(0) { $0 + $1.bytes } }
}
