// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension PointCollection {
    /// Checks everything against everything: the database by itself, each point against its checksum, the state against the database,
    /// the graphs against their rules and the points, full text against the payloads. Writers wait meanwhile.
    /// - Throws: `.corrupt` with a message that says what is wrong.
    func checkAll() throws(VecStoreError) {
        try writeLock.withLock { () throws(VecStoreError) in
            try readers.with { database throws(VecStoreError) in
                try database.reading { () throws(VecStoreError) in
                    if let problem = try databaseProblems(database, most: 1).first {
                        throw VecStoreError(.corrupt, "'\(directory)': the database is damaged: \(problem)")
                    }
                    let state = current
                    try checkPoints(database, state) { damage throws(VecStoreError) in throw VecStoreError(.corrupt, damage.message) }
                    for (place, vector) in state.vectors.enumerated() {
                        _ = try GraphFile.find(database, place)
                        try verifyGraph(vector, place, state.rowCount)
                    }
                    for field in state.fields.fields where field.type == .text { try verifyText(field, database) }
                }
            }
        }
    }

    /// What SQLite finds wrong.
    func databaseProblems(_ database: Database, most: Int) throws(VecStoreError) -> [String] {
        let check = try database.statement("PRAGMA integrity_check(\(most))")
        defer { check.reset() }
        var problems: [String] = []
        while try check.step() {
            let answer = check.text(0)
            if answer != "ok" { problems.append(answer) }
        }
        return problems
    }

    /// Calls `report` with what is wrong of points, and with what is known of them in memory.
    func checkPoints(
        _ database: Database, _ state: CollectionState, _ report: (Damage) throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        let select = try database.statement("SELECT row, id, checksum, missing, payload, expires FROM points ORDER BY row")
        defer { select.reset() }
        func tell(_ part: Damage.Part, _ id: PointID?, _ message: String) throws(VecStoreError) {
            try report(Damage(part: part, name: id.map { "\($0)" } ?? "", message: "'\(directory)': \(message)", isRepaired: false))
        }
        var count = 0
        while try select.step() {
            guard let row = Int(exactly: select.number(0)), row >= 0, row < state.rowCount else {
                throw VecStoreError(.corrupt, "'\(directory)': there is a row \(select.number(0)) of \(state.rowCount)")
            }
            let id = PointID(select, 1)
            let missing = UInt64(bitPattern: select.number(3))
            let payload = select.bytes(4)
            let sum = rowChecksum(settings, missing: missing) { state.store.files[$0].row(row) } ^ payloadChecksum(payload)
            if select.number(2) != Int64(sum) {
                try tell(.point, id, "the vectors or the payload of the point \(id) (row \(row)) are not what was written")
            } else if !payload.isEmpty {
                do throws(VecStoreError) {
                    _ = try checkPayload(payload)
                } catch {
                    try tell(.point, id, "the payload of the point \(id): \(error.message)")
                }
            }
            // A point that has ended is hidden before it is deleted.
            let hasEnded = select.type(5) != .null && select.number(5) <= now()
            if !hasEnded && !state.isAlive(row) { try tell(.ids, id, "the point \(id) is there, but its row \(row) is not alive") }
            if state.isAlive(row) { count += 1 }
            var known = PointTable.isText
            if case .number(let number) = id { known = number }
            if state.store.points.id(row) != known {
                try tell(.ids, id, "the point \(id) is known under another id, as \(state.store.points.id(row))")
            }
        }
        if count != state.count { try tell(.ids, nil, "\(count) points are there, where \(state.count) were counted") }
    }

    /// Checks that the graph of a vector is in order, and that it has the rows that it should have.
    func verifyGraph(_ vector: VectorState, _ place: Int, _ rowCount: Int) throws(VecStoreError) {
        guard let graph = vector.graph else { return }
        do throws(VecStoreError) {
            try graph.verify()
            let alive = try RowSet(span: min(vector.indexedRows, rowCount), isFull: true)
            if let hidden = vector.hidden { alive.subtract(hidden) }
            var first = 0
            while let row = alive.first(from: first) {
                // In portions: there may be many.
                var rows: [UInt64] = [], next: UInt32? = row
                while let row = next, rows.count < 4096 {
                    rows.append(UInt64(row))
                    next = alive.first(from: Int(row) + 1)
                }
                var found = [UInt8](repeating: 0, count: rows.count)
                graph.contains(rows, rows.count, &found)
                // A row may have ended meanwhile, and was taken out.
                let hidden = current.vectors[place].hidden
                for (row, isThere) in zip(rows, found) where isThere == 0 && !(hidden?.contains(UInt32(row)) ?? false) {
                    throw VecStoreError(.corrupt, "row \(row) is not in it")
                }
                first = Int(rows[rows.count - 1]) + 1
            }
        } catch {
            throw VecStoreError(error.code, "'\(directory)': the graph of the vector '\(settings[place].name)': \(error.message)")
        }
    }

    /// Checks that the index of a text has the words of the payloads, each where it is, and no others.
    func verifyText(_ field: Field, _ database: Database) throws(VecStoreError) {
        do throws(VecStoreError) {
            try TextCheck(self, field, database).run()
        } catch {
            throw VecStoreError(error.code, "'\(directory)': the words of '\(field.name)': \(error.message)")
        }
    }
}
