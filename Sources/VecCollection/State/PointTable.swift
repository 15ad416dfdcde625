// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The ids of all rows. Rows are written before a state that counts them is published, and do not change after that.
final class PointTable: @unchecked Sendable {
    // Safety: see above; one writer at a time.

    /// Stands for an id that is a string, which the database knows.
    static let isText = noID

    private let ids: SegmentedColumn

    init() throws(VecStoreError) {
        ids = try SegmentedColumn(stride: 8, shift: 16, canGrow: true, name: "the ids of points")
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

    func bytes(_ rows: Int) -> Int { ids.bytes(rows) }
}
