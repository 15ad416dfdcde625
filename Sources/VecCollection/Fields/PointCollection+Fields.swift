// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

extension PointCollection {
    /// Makes an index of a field, from the points that there are and for those to come.
    /// - Parameters:
    ///   - path: As filters write it.
    ///   - tokenizer: How texts become words; of `.text` alone.
    func addPayloadIndex(
        _ path: String, type: FieldIndexType, tokenizer: Tokenizer.Kind
    ) throws(VecStoreError) {
        let parsed = try PayloadPath(path, name: "path")
        if type != .text && tokenizer != .words {
            throw VecStoreError(.invalidArgument, "a tokenizer goes with an index of type text, not \(type.rawValue)")
        }
        try writing { database throws(VecStoreError) in
            let known = current.fields.fields
            if known.contains(where: { $0.path == parsed && $0.type == type }) {
                throw VecStoreError(.alreadyExists, "the field '\(parsed)' has an index of type \(type.rawValue) already")
            }
            let field = Field(path: parsed, type: type, place: (known.map(\.place).max() ?? -1) + 1, tokenizer: tokenizer)
            let changes = try database.transaction { () throws(VecStoreError) in
                let insert = try database.statement("INSERT INTO fields (path, type, place, options) VALUES (?1, ?2, ?3, ?4)")
                try insert.bind(1, field.name)
                try insert.bind(2, type.rawValue)
                try insert.bind(3, Int64(field.place))
                try insert.bind(4, tokenizer.rawValue)
                try insert.run()
                if type == .text { try fillTextTable(field, database) }
                try Catalog.noteChange(database)
                return try Catalog.changes(database)
            }
            publish { old in old.having(old.fields.adding(field), changes: changes) }
        }
    }

    func fillTextTable(_ field: Field, _ database: Database) throws(VecStoreError) {
        // Only names and words of ours stand in the text. The table has no copy of the texts: the payloads are there.
        try database.run(
            "CREATE VIRTUAL TABLE \(field.textTable) USING fts5(text, content = '', tokenize = '\(field.tokenizer.fts5)')")
        try fillTexts(field, database)
    }

    /// Enters the words of all points, into a table that has none.
    func fillTexts(_ field: Field, _ database: Database) throws(VecStoreError) {
        try forEachPayload(database) { (row, document) throws(VecStoreError) in
            let text = field.text(document)
            if text.isEmpty { return }
            let insert = try database.statement("INSERT INTO \(field.textTable) (rowid, text) VALUES (?1, ?2)")
            try insert.bind(1, row)
            try insert.bind(2, utf8: text)
            try insert.run()
        }
    }

    /// Removes an index. The values stay in the payloads.
    func removePayloadIndex(_ path: String, type: FieldIndexType?) throws(VecStoreError) {
        let parsed = try PayloadPath(path, name: "path")
        try writing { database throws(VecStoreError) in
            let found = current.fields.fields.filter { $0.path == parsed && (type == nil || $0.type == type) }
            guard !found.isEmpty else {
                throw VecStoreError(.notFound, "the field '\(parsed)' has no index\(type.map { " of type \($0.rawValue)" } ?? "")")
            }
            database.forgetStatements()
            var files: [String] = []
            let changes = try database.transaction { () throws(VecStoreError) in
                for field in found {
                    if let file = try forgetFile(of: field, database) { files.append(file) }
                    let delete = try database.statement("DELETE FROM fields WHERE place = ?1")
                    try delete.bind(1, Int64(field.place))
                    try delete.run()
                    if field.type == .text { try database.run("DROP TABLE \(field.textTable)") }
                }
                try Catalog.noteChange(database)
                return try Catalog.changes(database)
            }
            publish { old in old.having(old.fields.removing(found), changes: changes) }
            for file in files { unlink(file) }
        }
    }

    /// The fields that have an index, with its type.
    package func payloadIndexes() throws(VecStoreError) -> [(path: String, type: FieldIndexType, tokenizer: Tokenizer.Kind)] {
        try checkUsable()
        return current.fields.fields.map { ($0.name, $0.type, $0.tokenizer) }
    }

    /// Calls `body` with each row that has a payload.
    func forEachPayload(
        _ database: Database, _ body: (Int64, JSONDocument) throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        let select = try database.statement("SELECT row, payload FROM points WHERE payload IS NOT NULL ORDER BY row")
        defer { select.reset() }
        while try select.step() { try body(select.number(0), try checkPayload(select.bytes(1))) }
    }

    /// The same for the lengths of texts.
    func loadLengths(_ field: Field) throws(VecStoreError) {
        if fieldsLock.shared({ field.lengths != nil }) { return }
        try writeLock.withLock { () throws(VecStoreError) in
            if fieldsLock.shared({ field.lengths != nil }) || !isCurrent(field) { return }
            let loaded = try readers.with { database throws(VecStoreError) in
                try TextLengths.load(field, database, rowCount: current.rowCount)
            }
            try makeRoom(loaded.bytes, for: "the lengths of the texts of '\(field.name)'")
            fieldsLock.alone { field.lengths = loaded }
        }
    }

    /// Reads the values of a field into memory, where they are not there yet: once, when it is first asked for. From its file
    /// where that has them, else from all payloads.
    func load(_ field: Field) throws(VecStoreError) {
        if fieldsLock.shared({ field.loaded != nil || field.isTooLarge }) { return }
        // No write may come between reading the rows and entering those that are written later.
        try writeLock.withLock { () throws(VecStoreError) in
            if fieldsLock.shared({ field.loaded != nil }) || !isCurrent(field) { return }
            let rowCount = current.rowCount
            let read = try readers.with { database throws(VecStoreError) in
                try database.reading { () throws(VecStoreError) in
                    if let saved = try savedValues(field, database, rowCount: rowCount) { return [saved] }
                    return try readValues([field], database, rowCount: rowCount)
                }
            }
            guard let loaded = read.first else { return }
            do throws(VecStoreError) {
                try makeRoom(loaded.bytes, for: "the values of '\(field.name)'")
                fieldsLock.alone { field.loaded = loaded }
            } catch {
                // Conditions look at payloads then.
                fieldsLock.alone { field.isTooLarge = true }
            }
        }
    }

    /// Reads the values of fields of all rows below `rowCount`, in the order of the fields.
    func readValues(_ fields: [Field], _ database: Database, rowCount: Int) throws(VecStoreError) -> [LoadedField] {
        if fields.isEmpty { return [] }
        var loaded: [LoadedField] = []
        for field in fields { loaded.append(try LoadedField(field)) }
        try forEachPayload(database) { (row, document) throws(VecStoreError) in
            // Memory grows with the largest row. Left out are those that cannot be, and those not seen yet.
            guard let row = UInt32(exactly: row), row < rowCount else { return }
            for values in loaded { try values.set(row, document) }
        }
        for values in loaded { try values.index?.settle() }
        return loaded
    }

    /// Whether a field is one of now: rows have got other numbers since, or its index was dropped, where it is not.
    private func isCurrent(_ field: Field) -> Bool { current.fields.fields.contains { $0 === field } }
}
