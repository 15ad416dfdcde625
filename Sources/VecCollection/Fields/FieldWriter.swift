// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Keeps the indexes of fields in step with a write: full text at once, in the transaction; what is in memory after the commit.
final class FieldWriter {
    private let collection: PointCollection
    private let database: Database
    private let texts: [Field]
    private let hasOthers: Bool
    private let state: CollectionState
    /// In the order in which they came: a row may get another payload.
    private var added: [(row: UInt32, document: JSONDocument?)] = []
    private var dead: [UInt32] = []

    /// Words of texts that came, for those fields that have them in memory.
    private var lengths: [(field: Field, row: UInt32, length: UInt32)] = []
    private let counted: Set<Int>

    /// Whether it wants to know what payloads hold.
    var isNeeded: Bool { hasOthers || !texts.isEmpty }

    /// By the one writer: no field comes or goes meanwhile.
    init(_ collection: PointCollection, _ database: Database) throws(VecStoreError) {
        self.collection = collection
        self.database = database
        state = collection.current
        let fields = state.fields.fields
        texts = fields.filter { $0.type == .text }
        hasOthers = fields.contains { $0.type != .text }
        counted = collection.fieldsLock.shared { Set(fields.filter { $0.lengths != nil }.map(\.place)) }
    }

    func add(_ row: Int, _ document: JSONDocument?) throws(VecStoreError) {
        for field in texts { try insert(field, row, field.text(document)) }
        if hasOthers { added.append((UInt32(row), document)) }
    }

    private func insert(_ field: Field, _ row: Int, _ text: [UInt8]) throws(VecStoreError) {
        if text.isEmpty { return }
        let insert = try database.statement("INSERT INTO \(field.textTable) (rowid, text) VALUES (?1, ?2)")
        try insert.bind(1, Int64(row))
        try insert.bind(2, utf8: text)
        try insert.run()
        if counted.contains(field.place) {
            lengths.append((field, UInt32(row), try TextLengths.read(field, row, database)))
        }
    }

    /// Before the row is deleted.
    func remove(_ row: Int) throws(VecStoreError) {
        if hasOthers { dead.append(UInt32(row)) }
        try forgetTexts(row)
    }

    /// Before the row is deleted, or gets another payload: the index of a text has to be told what it was.
    func forgetTexts(_ row: Int) throws(VecStoreError) {
        if texts.isEmpty { return }
        let select = try database.statement("SELECT payload FROM points WHERE row = ?1")
        try select.bind(1, Int64(row))
        guard try select.step() else { return }
        let payload = Array(select.bytes(0))
        select.reset()
        let document = payload.isEmpty ? nil : try payload.withUnsafeBufferPointer { bytes throws(VecStoreError) in
            try checkPayload(bytes)
        }
        for field in texts {
            let text = field.text(document)
            if text.isEmpty { continue }
            let delete = try database.statement(
                "INSERT INTO \(field.textTable) (\(field.textTable), rowid, text) VALUES ('delete', ?1, ?2)")
            try delete.bind(1, Int64(row))
            try delete.bind(2, utf8: text)
            try delete.run()
        }
    }

    /// After the commit. A field that has no room for the change is read anew when it is asked for.
    func finish() {
        guard hasOthers || !lengths.isEmpty else { return }
        collection.fieldsLock.alone {
            for (field, row, length) in lengths {
                do throws(VecStoreError) { try field.lengths?.set(row, length) } catch { field.lengths = nil }
            }
            collection.graveyard.bury(dead, state)
            collection.graveyard.forget(state.fields)
            for field in state.fields.fields {
                guard let loaded = field.loaded else { continue }
                do throws(VecStoreError) {
                    for (row, document) in added { try loaded.set(row, document) }
                } catch {
                    field.loaded = nil
                }
            }
        }
    }
}

extension SharedLock {
    func shared<R>(_ body: () throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        lockShared()
        defer { unlockShared() }
        return try body()
    }

    func shared<R>(_ body: () -> R) -> R {
        lockShared()
        defer { unlockShared() }
        return body()
    }

    func alone<R>(_ body: () throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        lockAlone()
        defer { unlockAlone() }
        return try body()
    }

    func alone<R>(_ body: () -> R) -> R {
        lockAlone()
        defer { unlockAlone() }
        return body()
    }
}
