// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Holds the words that FTS5 has of a field against those of the payloads: an index that is made of them for the time of the check,
/// among the temporary tables of the connection. Both are gone through in the order of words, rows and places.
struct TextCheck {
    private let collection: PointCollection
    private let field: Field
    private let database: Database

    private static let table = "vecstore_check"
    private static let kept = "vecstore_check_kept"
    private static let made = "vecstore_check_made"

    init(_ collection: PointCollection, _ field: Field, _ database: Database) {
        self.collection = collection
        self.field = field
        self.database = database
    }

    func run() throws(VecStoreError) {
        defer { clear() }
        try database.run(
            """
            CREATE VIRTUAL TABLE temp.\(TextCheck.table) USING fts5(text, content = '', tokenize = '\(field.tokenizer.fts5)');
            CREATE VIRTUAL TABLE temp.\(TextCheck.made) USING fts5vocab(temp, \(TextCheck.table), instance);
            CREATE VIRTUAL TABLE temp.\(TextCheck.kept) USING fts5vocab(main, \(field.textTable), instance);
            """)
        try fill()
        try compareLengths()
        try compareWords()
    }

    private func fill() throws(VecStoreError) {
        let insert = try database.statement("INSERT INTO temp.\(TextCheck.table) (rowid, text) VALUES (?1, ?2)")
        try collection.forEachPayload(database) { (row, document) throws(VecStoreError) in
            let text = field.text(document)
            if text.isEmpty { return }
            insert.reset()
            try insert.bind(1, row)
            try insert.bind(2, utf8: text)
            try insert.run()
        }
    }

    /// How many words each text has, which ranking goes by.
    private func compareLengths() throws(VecStoreError) {
        try compare(
            "SELECT id, sz FROM \(field.textTable)_docsize ORDER BY id", "SELECT id, sz FROM temp.\(TextCheck.table)_docsize ORDER BY id"
        ) { (kept, made) in kept.number(0) == made.number(0) && kept.blob(1).elementsEqual(made.blob(1)) }
    }

    private func compareWords() throws(VecStoreError) {
        try compare(
            "SELECT term, doc, \"offset\" FROM temp.\(TextCheck.kept)", "SELECT term, doc, \"offset\" FROM temp.\(TextCheck.made)"
        ) { (kept, made) in
            kept.number(1) == made.number(1) && kept.number(2) == made.number(2) && kept.bytes(0).elementsEqual(made.bytes(0))
        }
    }

    private func compare(
        _ keptSQL: String, _ madeSQL: String, _ isSame: (Statement, Statement) -> Bool
    ) throws(VecStoreError) {
        let kept = try database.statement(keptSQL), made = try database.statement(madeSQL)
        defer {
            kept.reset()
            made.reset()
        }
        while true {
            let isOne = try kept.step(), isOther = try made.step()
            if !isOne && !isOther { return }
            guard isOne == isOther, isSame(kept, made) else {
                throw VecStoreError(.corrupt, "what is indexed is not what the payloads have")
            }
        }
    }

    private func clear() {
        // Statements that are compiled keep tables.
        database.forgetStatements()
        for name in [TextCheck.kept, TextCheck.made, TextCheck.table] { try? database.run("DROP TABLE IF EXISTS temp.\(name)") }
    }
}
