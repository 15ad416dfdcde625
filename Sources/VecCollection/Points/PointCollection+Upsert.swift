// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension PointCollection {
    /// Writes points, all or none: new ones, and new versions of those whose ids are there. Of an id that comes twice the last one
    /// counts. Returns when the points are as durable as the options ask for.
    func upsertPoints(_ batch: PointBatch) throws(VecStoreError) {
        let count = batch.ids.count
        guard count <= CollectionLimits.batch else {
            throw VecStoreError(.tooLarge, "a batch has \(count) points: allowed are \(CollectionLimits.batch)")
        }
        for (i, id) in batch.ids.enumerated() {
            do throws(VecStoreError) {
                try id.check()
            } catch {
                throw VecStoreError(error.code, "point \(i): \(error.message)")
            }
        }
        if count == 0 { return }
        let staged = try StagedRows(batch, self)
        let documents = try parsePayloads(batch, keeps: !current.fields.isEmpty)
        indexer?.holdBack(self)
        try makeRoom(forPoints: count)
        try staged.withRows { () throws(VecStoreError) in
            try writing { database throws(VecStoreError) in
                try append(batch, staged, documents, database)
            }
        }
        indexer?.wake()
    }

    /// Checks payloads.
    /// - Parameter keeps: Whether to return what they hold, which indexes of fields want to know.
    func parsePayloads(_ batch: PointBatch, keeps: Bool) throws(VecStoreError) -> [JSONDocument?] {
        guard let payloads = batch.payloads else { return [] }
        var documents: [JSONDocument?] = []
        documents.reserveCapacity(keeps ? payloads.count : 0)
        for (i, payload) in payloads.enumerated() {
            do throws(VecStoreError) {
                let document = payload.isEmpty ? nil : try checkPayload(payload)
                if keeps { documents.append(document) }
            } catch {
                throw VecStoreError(error.code, "the payload of point \(i) (id \(batch.ids[i])): \(error.message)")
            }
        }
        return documents
    }

    func append(
        _ batch: PointBatch, _ staged: StagedRows, _ documents: [JSONDocument?], _ database: Database
    ) throws(VecStoreError) {
        let count = batch.ids.count
        let fieldWriter = try FieldWriter(self, database)
        var documents = documents
        // The first index may have been made since the payloads were checked.
        if documents.isEmpty && fieldWriter.isNeeded { documents = try parsePayloads(batch, keeps: true) }
        let first = nextRow
        guard count <= Limits.graphRows - first else {
            throw VecStoreError(.tooLarge, "\(first) rows have been used, and \(count) more are too many: compact the collection")
        }
        // First the vectors: a row that the database names has its vectors, whatever happens.
        let files = current.store.files
        for place in settings.indices {
            guard let rows = staged.rows[place] else {
                try files[place].skip(to: first + count)
                continue
            }
            try files[place].write(rows, count: count, at: first)
        }
        if options.durability != .none { for file in files { try file.file.synchronizeContent() } }

        try encodeWaiting(first..<(first + count))
        var change = try StateChange(self, rowCount: first + count)
        do throws(VecStoreError) {
            try database.transaction { () throws(VecStoreError) in
                try deleteExpired(database, fieldWriter, &change)
                let insert = try database.statement(
                    "INSERT INTO points (row, id, checksum, missing, expires, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
                for i in 0..<count {
                    let row = first + i, id = batch.ids[i]
                    if let old = try findRow(id, database) { try delete(old, database, fieldWriter, &change) }
                    insert.reset()
                    try insert.bind(1, Int64(row))
                    try id.bind(insert, 2)
                    let payloadSum = batch.payloads.map { payloadChecksum($0[i]) } ?? 0
                    try insert.bind(3, Int64(staged.checksums[i] ^ payloadSum))
                    if staged.missing[i] != 0 { try insert.bind(4, Int64(bitPattern: staged.missing[i])) }
                    if let expires = batch.expires?[i], expires != 0 {
                        try insert.bind(5, expires)
                        change.noteExpiry(expires)
                        hasExpiries = true
                    }
                    if let payload = batch.payloads?[i], !payload.isEmpty { try insert.lend(6, payload) }
                    try insert.run()
                    change.add(row, id, missing: staged.missing[i])
                    noteID(id)
                    try fieldWriter.add(row, documents.isEmpty ? nil : documents[i])
                }
                try Catalog.set(database, "next_row", Int64(first + count))
                try change.prepare(database)
            }
        } catch {
            // Whether the disk has the rows is not known: their numbers are not given again.
            nextRow = first + count
            throw error
        }
        nextRow = first + count
        fieldWriter.finish()
        change.publish()
    }

    /// Makes codes of rows that were just written and will wait for graphs.
    private func encodeWaiting(_ rows: Range<Int>) throws(VecStoreError) {
        let state = current
        for (place, settings) in settings.enumerated() where settings.hasWaitingCodes {
            let context = try ScanContext(
                table: table, metric: settings.metric, type: settings.type, dimension: settings.dimension)
            // Without codes it takes searches longer to compare these rows, and that is all.
            let fits: Void? = try? makeRoom(
                WaitingRows.bytes(rows.count, dimension: settings.dimension), for: "codes of rows that wait")
            if fits == nil {
                waiting[place] = WaitingRows()
                continue
            }
            try waiting[place].append(rows, state.store.files[place], context, indexedRows: state.vectors[place].indexedRows)
        }
    }

    /// The row of a point, for the one writer; nil where there is none.
    func findRow(_ id: PointID, _ database: Database) throws(VecStoreError) -> Int? {
        // What is larger than all before is new.
        if case .number(let number) = id, largestID.map({ number > $0 }) ?? true { return nil }
        return try row(id, database).map { Int($0) }
    }

    /// The row of a point; nil where there is none.
    func row(_ id: PointID, _ database: Database) throws(VecStoreError) -> UInt32? {
        let find = try database.statement("SELECT row FROM points WHERE id = ?1")
        try id.bind(find, 1)
        defer { find.reset() }
        return try find.step() ? UInt32(exactly: find.number(0)) : nil
    }

    /// Before the commit: a bound that is too large costs a look into the database and nothing else.
    private func noteID(_ id: PointID) {
        if case .number(let number) = id { largestID = max(largestID ?? 0, number) }
    }

    /// Deletes the version of a point.
    func delete(
        _ row: Int, _ database: Database, _ fields: FieldWriter, _ change: inout StateChange
    ) throws(VecStoreError) {
        try fields.remove(row)
        let delete = try database.statement("DELETE FROM points WHERE row = ?1")
        try delete.bind(1, Int64(row))
        try delete.run()
        change.remove(row)
    }
}
