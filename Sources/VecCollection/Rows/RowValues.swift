// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The values of each row, by row. For one writer, or for many readers.
final class RowValues<Value: BitwiseCopyable> {
    private struct Slice: BitwiseCopyable {
        var start: UInt32
        var count: UInt32
    }

    private let slices: Column<Slice>
    /// Values of all rows; those of rows that were removed or set again lie unused between them.
    private(set) var values: Column<Value>
    private var unused = 0

    init() throws(VecStoreError) {
        slices = try Column("the places of values")
        values = try Column("the values of rows")
    }

    /// Those of a file.
    init(_ file: FieldReader) throws(VecStoreError) {
        let ends: Column<UInt32> = try file.rowColumn("the places of values")
        values = try file.column("the values of rows")
        slices = try Column("the places of values", capacity: ends.count)
        guard ends.elements.isAscending(upTo: UInt32(clamping: values.count)) else { throw file.damage("the places of values") }
        var start: UInt32 = 0
        for row in 0..<ends.count {
            slices.base[row] = Slice(start: start, count: ends.base[row] - start)
            start = ends.base[row]
        }
        slices.setCount(ends.count)
    }

    func write(_ file: FieldFileWriter) throws(VecStoreError) {
        let ends = try Column<UInt32>("the places of values", capacity: slices.count)
        let used = try Column<Value>("the values of rows", capacity: values.count - unused)
        for row in 0..<slices.count {
            try used.append(contentsOf: self[UInt32(truncatingIfNeeded: row)])
            try ends.append(UInt32(truncatingIfNeeded: used.count))
        }
        try file.append(ends)
        try file.append(used)
    }

    var bytes: Int { slices.bytes + values.bytes }

    /// Rows that there are places for.
    var rowCount: Int { slices.count }

    /// They stay where they are until the next change.
    @inline(__always)
    subscript(row: UInt32) -> UnsafeBufferPointer<Value> {
        guard Int(row) < slices.count else { return UnsafeBufferPointer(start: nil, count: 0) }
        let slice = slices.base[Int(row)]
        return UnsafeBufferPointer(start: values.base + Int(slice.start), count: Int(slice.count))
    }

    /// Where it throws, nothing has changed.
    func set(_ row: UInt32, _ new: UnsafeBufferPointer<Value>) throws(VecStoreError) {
        guard let count = UInt32(exactly: new.count), let start = UInt32(exactly: values.count),
            !start.addingReportingOverflow(count).overflow
        else { throw VecStoreError(.tooLarge, "a field has more than \(UInt32.max) values") }
        if count == 0 {
            remove(row)
            return
        }
        try slices.extend(to: Int(row) + 1, with: Slice(start: 0, count: 0))
        try values.append(contentsOf: new)
        remove(row)
        slices.base[Int(row)] = Slice(start: start, count: count)
        if unused > 4096, unused > values.count / 2 { compact() }
    }

    func remove(_ row: UInt32) {
        guard Int(row) < slices.count else { return }
        unused += Int(slices.base[Int(row)].count)
        slices.base[Int(row)].count = 0
    }

    /// Closes the gaps, if there is memory for the copy.
    private func compact() {
        guard let next = try? Column<Value>("the values of rows", capacity: (values.count - unused) * 5 / 4 + 1) else { return }
        var place = 0
        for row in 0..<slices.count {
            let slice = slices.base[row]
            (next.base + place).update(from: values.base + Int(slice.start), count: Int(slice.count))
            slices.base[row].start = UInt32(truncatingIfNeeded: place)
            place += Int(slice.count)
        }
        next.setCount(place)
        values = next
        unused = 0
    }
}
