// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// What giving rows other numbers means for the tables of points and of words, and for the indexes of fields in memory.
struct DatabaseCompaction {
    private let collection: PointCollection
    private let numbers: RowNumbering

    init(_ collection: PointCollection, _ numbers: RowNumbering) {
        self.collection = collection
        self.numbers = numbers
    }

    /// In a transaction of the one writer.
    func renumber(_ database: Database) throws(VecStoreError) {
        let update = try database.statement("UPDATE points SET row = ?2 WHERE row = ?1")
        defer { update.reset() }
        // In the order of rows, each goes to a number that is free by then.
        try numbers.forEach(in: numbers.firstMoved..<numbers.span) { (old, new) throws(VecStoreError) in
            update.reset()
            try update.bind(1, Int64(old))
            try update.bind(2, Int64(new))
            try update.run()
        }
        for field in collection.current.fields.fields where field.type == .text {
            // Words are kept by row, and the table has no texts from which it could be told other rows.
            try database.run("INSERT INTO \(field.textTable) (\(field.textTable)) VALUES ('delete-all')")
            try collection.fillTexts(field, database)
        }
    }

    /// Reads into memory what is in memory of the same fields now: so searches that come need not wait for that.
    func load(_ fields: FieldTable, _ database: Database, rowCount: Int) throws(VecStoreError) {
        let before = collection.current.fields.fields
        let (loaded, counted) = collection.fieldsLock.shared {
            (Set(before.filter { $0.loaded != nil }.map(\.place)), Set(before.filter { $0.lengths != nil }.map(\.place)))
        }
        let again = fields.fields.filter { loaded.contains($0.place) }
        for (field, values) in zip(again, try collection.readValues(again, database, rowCount: rowCount)) { field.loaded = values }
        for field in fields.fields {
            if counted.contains(field.place) { field.lengths = try TextLengths.load(field, database, rowCount: rowCount) }
        }
    }
}
