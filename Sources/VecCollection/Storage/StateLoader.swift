// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Makes the state of a collection from its database and its files.
struct StateLoader {
    private let directory: String
    private let database: Database
    private let settings: [VectorSettings]
    private let store: RowStore
    private let memory: MemoryMode
    private let knownRows: Int

    /// - Parameter knownRows: Rows whose ids are in the table of points already.
    init(
        _ directory: String, _ database: Database, _ settings: [VectorSettings], _ store: RowStore, memory: MemoryMode,
        knownRows: Int = 0
    ) {
        self.knownRows = knownRows
        self.directory = directory
        self.database = database
        self.settings = settings
        self.store = store
        self.memory = memory
    }

    /// - Returns: Also the largest number that is an id, and whether a file had the ids.
    func load(rowCount: Int) throws(VecStoreError) -> (CollectionState, largestID: UInt64?, isFromFile: Bool) {
        try store.points.reserve(rowCount)
        let changes = try Catalog.changes(database)
        let saved = try savedIDs(rowCount, changes)
        let content: IDFile.Content
        if let saved { content = saved } else { content = try readIDs(rowCount) }
        var vectors = content.hidden.map { own in
            VectorState(hidden: own ?? content.dead, count: own.map { rowCount - $0.count } ?? content.count)
        }
        for place in settings.indices { attachGraph(&vectors[place], place, rowCount) }
        let state = CollectionState(
            version: 0, changes: changes, store: store, rowCount: rowCount, count: content.count,
            hasTextIDs: content.hasTextIDs, dead: content.dead, vectors: vectors, fields: try FieldTable(database))
        return (state, content.largestID, saved != nil)
    }

    /// What a file has of this state.
    private func savedIDs(_ rowCount: Int, _ changes: Int64) throws(VecStoreError) -> IDFile.Content? {
        // Ids that others look at are not written over.
        guard knownRows == 0, rowCount > 0, let name = try IDFile.name(database) else { return nil }
        let owner = DerivedFile.Owner(
            directory: directory, uuid: try Catalog.uuid(database), changes: changes, rowCount: rowCount)
        return IDFile.read(name, store.points, owner, vectors: settings.count)
    }

    private func readIDs(_ rowCount: Int) throws(VecStoreError) -> IDFile.Content {
        let dead = try RowSet(span: rowCount, isFull: true)
        // The index has ids and rows side by side: no page of a payload is read.
        let select = try database.statement("SELECT row, id FROM points INDEXED BY points_id")
        defer { select.reset() }
        var count = 0
        var largestID: UInt64?
        var hasTextIDs = false
        while try select.step() {
            let row = select.number(0)
            guard row >= 0, row < Int64(rowCount), dead.contains(UInt32(row)) else {
                throw VecStoreError(.corrupt, "'\(directory)': row \(row) is there, but \(rowCount) rows have been handed out")
            }
            let id = PointID(select, 1)
            dead.remove(UInt32(row))
            if row >= Int64(knownRows) { store.points.set(Int(row), id) }
            switch id {
            case .number(let number): largestID = max(largestID ?? 0, number)
            case .text: hasTextIDs = true
            }
            count += 1
        }
        var content = IDFile.Content(
            count: count, largestID: largestID, hasTextIDs: hasTextIDs, dead: count == rowCount ? nil : dead,
            hidden: [RowSet?](repeating: nil, count: settings.count))
        try hideMissing(&content, rowCount)
        return content
    }

    /// When the next point ends that has an end.
    static func nextExpiry(_ database: Database) throws(VecStoreError) -> Int64 {
        let select = try database.statement("SELECT min(expires) FROM points WHERE expires IS NOT NULL")
        defer { select.reset() }
        guard try select.step(), select.type(0) == .number else { return .max }
        return select.number(0)
    }

    /// Points that do not have all vectors.
    private func hideMissing(_ content: inout IDFile.Content, _ rowCount: Int) throws(VecStoreError) {
        if settings.count == 1 { return }
        let select = try database.statement("SELECT row, missing FROM points WHERE missing IS NOT NULL")
        defer { select.reset() }
        while try select.step() {
            guard let row = UInt32(exactly: select.number(0)) else { continue }
            let missing = UInt64(bitPattern: select.number(1))
            for place in settings.indices where missing & (1 << UInt64(place)) != 0 {
                let hidden: RowSet
                if let made = content.hidden[place] {
                    hidden = made
                } else {
                    if let dead = content.dead { hidden = try dead.copy() } else { hidden = try RowSet(span: rowCount) }
                    content.hidden[place] = hidden
                }
                hidden.insert(row)
            }
        }
    }

    /// The graph that was saved last. One that cannot be read is made anew, by whoever writes; until then all rows are compared.
    private func attachGraph(_ vector: inout VectorState, _ place: Int, _ rowCount: Int) {
        do throws(VecStoreError) {
            guard let saved = try GraphFile.find(database, place), saved.rows <= rowCount else { return }
            let index = try openIndex("\(directory)/\(saved.file)", OpenOptions(load: memory == .loaded, externalRows: store.files[place].external))
            vector.graph = index
            vector.indexedRows = saved.rows
            let alive = saved.rows - (vector.hidden?.count(below: saved.rows) ?? 0)
            vector.hiddenInGraph = max(index.count - alive, 0)
        } catch {
            vector.graphFailure = error.message
        }
    }
}
