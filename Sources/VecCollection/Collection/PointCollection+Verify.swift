// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension PointCollection {
    /// Checks everything against everything: the database by itself, each point against its checksum, the state against the database,
    /// the graphs against their rules, full text against the payloads. Writers wait meanwhile.
    /// - Throws: `.corrupt` with a message that says what is wrong.
    func checkAll() throws(VecStoreError) {
        try checkUsable()
        try writeLock.withLock { () throws(VecStoreError) in
            try readers.with { database throws(VecStoreError) in
                try database.reading { () throws(VecStoreError) in
                    try verifyDatabase(database)
                    let state = current
                    try verifyRows(database, state)
                    for (place, vector) in state.vectors.enumerated() { try verifyGraph(vector, settings[place]) }
                    try verifyTexts(database)
                }
            }
        }
    }

    private func verifyDatabase(_ database: Database) throws(VecStoreError) {
        let check = try database.statement("PRAGMA integrity_check(1)")
        defer { check.reset() }
        guard try check.step() else { return }
        let answer = check.text(0)
        guard answer == "ok" else { throw VecStoreError(.corrupt, "'\(directory)': the database is damaged: \(answer)") }
    }

    private func verifyRows(_ database: Database, _ state: CollectionState) throws(VecStoreError) {
        let select = try database.statement("SELECT row, id, checksum, missing, payload, expires FROM points ORDER BY row")
        defer { select.reset() }
        var count = 0
        while try select.step() {
            guard let row = Int(exactly: select.number(0)), row >= 0, row < state.rowCount else {
                throw VecStoreError(.corrupt, "'\(directory)': there is a row \(select.number(0)) of \(state.rowCount)")
            }
            let id = PointID(select, 1)
            let missing = UInt64(bitPattern: select.number(3))
            let payload = select.bytes(4)
            let sum = rowChecksum(settings, missing: missing) { state.store.files[$0].row(row) } ^ payloadChecksum(payload)
            guard select.number(2) == Int64(sum) else {
                throw VecStoreError(
                    .corrupt,
                    "'\(directory)': the vectors or the payload of the point \(id) (row \(row)) are not what was written")
            }
            if !payload.isEmpty {
                do throws(VecStoreError) {
                    _ = try checkPayload(payload)
                } catch {
                    throw VecStoreError(.corrupt, "'\(directory)': the payload of the point \(id): \(error.message)")
                }
            }
            // A point that has ended is hidden before it is deleted.
            let hasEnded = select.type(5) != .null && select.number(5) <= now()
            guard hasEnded || state.isAlive(row) else {
                throw VecStoreError(.corrupt, "'\(directory)': the point \(id) is there, but its row \(row) is not alive")
            }
            if state.isAlive(row) { count += 1 }
            var known = PointTable.isText
            if case .number(let number) = id { known = number }
            guard state.store.points.id(row) == known else {
                throw VecStoreError(.corrupt, "'\(directory)': the point \(id) is known under another id, as \(state.store.points.id(row))")
            }
        }
        guard count == state.count else {
            throw VecStoreError(.corrupt, "'\(directory)': \(count) points are there, where \(state.count) were counted")
        }
    }

    private func verifyGraph(_ vector: VectorState, _ settings: VectorSettings) throws(VecStoreError) {
        guard let graph = vector.graph else { return }
        do throws(VecStoreError) {
            try graph.verify()
        } catch {
            throw VecStoreError(error.code, "'\(directory)': the graph of the vector '\(settings.name)': \(error.message)")
        }
    }

    private func verifyTexts(_ database: Database) throws(VecStoreError) {
        for field in current.fields.fields where field.type == .text {
            var wanted = 0
            try forEachPayload(database) { (_, document) throws(VecStoreError) in if !field.text(document).isEmpty { wanted += 1 } }
            let found = try database.number("SELECT count(*) FROM \(field.textTable)_docsize")
            guard found == Int64(wanted) else {
                throw VecStoreError(
                    .corrupt, "'\(directory)': \(found) texts of '\(field.name)' are indexed, where the payloads have \(wanted)")
            }
        }
    }
}
