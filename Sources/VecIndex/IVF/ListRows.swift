// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// What an inverted file keeps of each row beside its lists, by slot. Slots are handed out in order and not used again until
/// the index is compacted: what a snapshot shows never changes.
final class ListRows: @unchecked Sendable {
    // Safety: slots below a snapshot's count are only read, those above belong to the one writer.

    /// The type of the rows that are kept; nil where lists hold codes alone.
    let type: ElementType?
    let rowSize: Int
    let assignments: Int
    private let idColumn: SegmentedColumn
    private let homeColumn: SegmentedColumn
    private let rowColumn: SegmentedColumn?
    private let inverseColumn: SegmentedColumn?
    private let isMapped: Bool

    /// 4,096 rows a segment: pages that nobody touched take no memory.
    private static let shift: UInt32 = 12

    /// Columns in memory, empty.
    init(_ options: IVFOptions) throws(VecStoreError) {
        type = options.rowType
        rowSize = options.rowType?.rowSize(options.dimension) ?? 0
        assignments = options.assignments
        isMapped = false
        func column(_ stride: Int, _ name: String) throws(VecStoreError) -> SegmentedColumn {
            try SegmentedColumn(stride: stride, shift: ListRows.shift, canGrow: true, name: name)
        }
        idColumn = try column(8, "the ids of rows")
        homeColumn = try column(4 * options.assignments, "the lists of rows")
        rowColumn = options.rowType == nil ? nil : try column(rowSize, "rows")
        inverseColumn = options.rowType != nil && options.metric == .cosine ? try column(8, "the norms of rows") : nil
    }

    /// Columns in somebody else's memory.
    init(
        _ options: IVFOptions, ids: UnsafeRawPointer, homes: UnsafeRawPointer, rows: UnsafeRawPointer?,
        inverseNorms: UnsafeRawPointer?, owner: AnyObject
    ) throws(VecStoreError) {
        type = options.rowType
        rowSize = options.rowType?.rowSize(options.dimension) ?? 0
        assignments = options.assignments
        isMapped = true
        func column(_ stride: Int, _ at: UnsafeRawPointer) throws(VecStoreError) -> SegmentedColumn {
            try SegmentedColumn(stride: stride, at: at, owner: owner)
        }
        idColumn = try column(8, ids)
        homeColumn = try column(4 * options.assignments, homes)
        rowColumn = if let rows { try column(rowSize, rows) } else { nil }
        inverseColumn = if let inverseNorms { try column(8, inverseNorms) } else { nil }
    }

    /// The largest first: where there is no memory for it, none is spent on the others.
    private var columns: [SegmentedColumn] { [rowColumn, idColumn, inverseColumn, homeColumn].compactMap { $0 } }

    /// Makes room for slots 0 ..< `count`. Where there is no memory for all, what was taken goes back.
    func reserve(_ count: Int) throws(VecStoreError) {
        let before = columns.map(\.capacity)
        do throws(VecStoreError) {
            for column in columns { while column.capacity < count { try column.grow() } }
        } catch {
            for (column, capacity) in zip(columns, before) { while column.capacity > capacity { column.shrink() } }
            throw error
        }
    }

    /// Bytes of memory held for `count` rows: 0 for a map.
    func bytes(_ count: Int) -> Int { isMapped ? 0 : columns.reduce(0) { $0 + $1.bytes(count) } }

    // MARK: - Rows

    @inline(__always)
    func id(_ slot: UInt32) -> UInt64 { idColumn.address(slot).loadUnaligned(as: UInt64.self) }

    func setID(_ slot: UInt32, _ id: UInt64) { idColumn.address(slot).storeBytes(of: id, as: UInt64.self) }

    /// The lists that a row is in.
    func home(_ slot: UInt32, _ i: Int) -> UInt32 {
        homeColumn.address(slot).loadUnaligned(fromByteOffset: 4 * i, as: UInt32.self)
    }

    func setHome(_ slot: UInt32, _ i: Int, _ list: UInt32) {
        homeColumn.address(slot).storeBytes(of: list, toByteOffset: 4 * i, as: UInt32.self)
    }

    var keepsRows: Bool { rowColumn != nil }

    @inline(__always)
    func row(_ slot: UInt32) -> UnsafeMutableRawPointer? { rowColumn?.address(slot) }

    var idView: SegmentedColumn.View { idColumn.view }
    var rowView: SegmentedColumn.View? { rowColumn?.view }

    /// 1 / ‖x‖ of a row, for cosine.
    @inline(__always)
    func inverseNorm(_ slot: UInt32) -> Double { inverseColumn?.address(slot).loadUnaligned(as: Double.self) ?? 1 }

    func setInverseNorm(_ slot: UInt32, _ value: Double) { inverseColumn?.address(slot).storeBytes(of: value, as: Double.self) }
}
