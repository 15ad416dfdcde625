// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// Microseconds since 1970.
func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
}

extension PointCollection {
    /// Hides points whose end has come. They are deleted when points are next written.
    func expirePoints() throws(VecStoreError) {
        let due = nextExpiry.load(ordering: .relaxed)
        if due == .max { return }
        let time = now()
        if due > time { return }
        // Once more where rows have got other numbers meanwhile.
        while true {
            let isDone = try matching { (state, database) throws(VecStoreError) in
                try expirePoints(due: due, at: time, state.store, database)
            }
            if isDone { return }
        }
    }

    private func expirePoints(
        due: Int64, at time: Int64, _ store: RowStore, _ database: Database
    ) throws(VecStoreError) -> Bool {
        let select = try database.statement("SELECT row FROM points WHERE expires <= ?1")
        try select.bind(1, time)
        var rows: [UInt32] = []
        while try select.step() { if let row = UInt32(exactly: select.number(0)) { rows.append(row) } }
        select.reset()
        guard try hide(rows, in: store) else { return false }
        let next = try database.statement("SELECT min(expires) FROM points WHERE expires > ?1")
        try next.bind(1, time)
        let isOne = try next.step() && next.type(0) == .number
        // Where a write has put an earlier one in its place meanwhile, that one stands.
        _ = nextExpiry.compareExchange(expected: due, desired: isOne ? next.number(0) : .max, ordering: .relaxed)
        next.reset()
        return true
    }

    /// - Returns: false where the rows of now are others.
    private func hide(_ rows: [UInt32], in store: RowStore) throws(VecStoreError) -> Bool {
        while true {
            let span = current.rowCount
            var sets: [RowSet] = []
            for _ in 0...settings.count { sets.append(try RowSet(span: span)) }
            var isSame = true, isDone = false
            publish { old in
                isSame = old.store === store
                // Rows that came meanwhile would not fit.
                isDone = isSame && old.rowCount <= span
                return isDone ? old.hiding(rows, sets) : old
            }
            if isDone || !isSame { return isDone }
        }
    }

    /// Deletes points that have ended: a part of every write, for the one writer.
    func deleteExpired(
        _ database: Database, _ fields: FieldWriter, _ change: inout StateChange
    ) throws(VecStoreError) {
        guard hasExpiries else { return }
        let select = try database.statement("SELECT row FROM points WHERE expires <= ?1 LIMIT 1000")
        try select.bind(1, now())
        var rows: [Int] = []
        defer { select.reset() }
        while try select.step() {
            guard let row = Int(exactly: select.number(0)), row >= 0, row < nextRow else {
                throw VecStoreError(
                    .corrupt, "'\(directory)': row \(select.number(0)) has an end, but there are \(nextRow) rows")
            }
            rows.append(row)
        }
        for row in rows { try delete(row, database, fields, &change) }
    }
}

extension CollectionState {
    /// The same without some rows.
    /// - Parameter sets: Memory: one more than there are vectors.
    func hiding(_ rows: [UInt32], _ sets: [RowSet]) -> CollectionState {
        let newDead = sets[0]
        newDead.take(dead)
        let gone = rows.filter { Int($0) < newDead.span && !newDead.contains($0) }
        if gone.isEmpty { return self }
        for row in gone { newDead.insert(row) }
        var vectors = vectors
        for place in vectors.indices {
            let old = vectors[place].hidden
            let isShared = old === dead
            let hidden = isShared ? newDead : sets[place + 1]
            if !isShared { hidden.take(old) }
            for row in gone where !(old?.contains(row) ?? false) {
                hidden.insert(row)
                vectors[place].count -= 1
                if Int(row) < vectors[place].indexedRows { vectors[place].hiddenInGraph += 1 }
            }
            vectors[place].hidden = hidden
        }
        return CollectionState(
            version: version + 1, changes: changes, store: store, rowCount: rowCount, count: count - gone.count, hasTextIDs: hasTextIDs,
            dead: newDead, vectors: vectors, fields: fields)
    }
}
