// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The words that each row has in a field, as FTS5 counted them. FTS5 keeps them in a table, and looking up each row of a result
/// there takes far longer than finding it.
///
/// Not thread-safe: guarded by the collection's `fieldsLock`.
final class TextLengths {
    private let lengths: Column<UInt32>

    init() throws(VecStoreError) { lengths = try Column("the lengths of texts") }

    var bytes: Int { lengths.bytes }

    func set(_ row: UInt32, _ length: UInt32) throws(VecStoreError) {
        try lengths.extend(to: Int(row) + 1, with: 0)
        lengths.base[Int(row)] = length
    }

    /// 0 for a row without text, or one that is not known yet.
    @inline(__always)
    func length(_ row: UInt32) -> UInt32 { Int(row) < lengths.count ? lengths.base[Int(row)] : 0 }

    /// Reads those of all rows below `rowCount`.
    static func load(_ field: Field, _ database: Database, rowCount: Int) throws(VecStoreError) -> TextLengths {
        let loaded = try TextLengths()
        let select = try database.statement("SELECT id, sz FROM \(field.textTable)_docsize ORDER BY id")
        defer { select.reset() }
        while try select.step() {
            if let row = UInt32(exactly: select.number(0)), row < rowCount { try loaded.set(row, firstNumber(select.blob(1))) }
        }
        return loaded
    }

    /// That of one row.
    static func read(_ field: Field, _ row: Int, _ database: Database) throws(VecStoreError) -> UInt32 {
        let select = try database.statement("SELECT sz FROM \(field.textTable)_docsize WHERE id = ?1")
        defer { select.reset() }
        try select.bind(1, Int64(row))
        return try select.step() ? firstNumber(select.blob(0)) : 0
    }

    /// The first number of a list of SQLite's variable-length integers: 7 bits a byte, the highest first.
    private static func firstNumber(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var value: UInt64 = 0
        for byte in bytes.prefix(5) {
            value = value << 7 | UInt64(byte & 0x7f)
            if byte & 0x80 == 0 { break }
        }
        return UInt32(clamping: value)
    }
}
