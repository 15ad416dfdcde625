// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The ids of all rows. Rows are written before a state that counts them is published, and do not change after that.
final class PointTable: @unchecked Sendable {
    // Safety: see above; one writer at a time.

    /// Stands for an id that is a string, which the database knows.
    static let isText = noID

    private let ids: SegmentedColumn

    init() throws(VecStoreError) {
        ids = try SegmentedColumn(stride: 8, shift: PointTable.partShift, canGrow: true, name: "the ids of points")
    }

    func reserve(_ rows: Int) throws(VecStoreError) {
        while ids.capacity < rows { try ids.grow() }
    }

    /// Of a row that there is room for.
    func set(_ row: Int, _ id: PointID) {
        let value: UInt64 =
            switch id {
            case .number(let number): number
            case .text: PointTable.isText
            }
        ids.address(UInt32(row)).assumingMemoryBound(to: UInt64.self).pointee = value
    }

    @inline(__always)
    func id(_ row: Int) -> UInt64 { ids.address(UInt32(row)).assumingMemoryBound(to: UInt64.self).pointee }

    /// Calls `body` with the ids of rows that lie together, from row 0 on, as many as there is room for: those of `rows` in all.
    func forEachPart(
        _ rows: Int, _ body: (UnsafeMutablePointer<UInt64>, Int) throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        var row = 0
        while row < rows {
            let count = min(PointTable.partRows, rows - row)
            try body(ids.address(UInt32(row)).assumingMemoryBound(to: UInt64.self), count)
            row += count
        }
    }

    private static let partShift: UInt32 = 16
    private static let partRows = 1 << Int(partShift)

    func bytes(_ rows: Int) -> Int { ids.bytes(rows) }
}
