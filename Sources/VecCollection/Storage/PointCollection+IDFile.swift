// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

extension PointCollection {
    /// Writes the ids of all rows into a file, from which the next one who opens the collection has them at once. By the one writer;
    /// where it cannot be written the next one asks the database.
    func saveIDs(_ database: Database) {
        let state = current
        if state.rowCount < DerivedFile.leastRows || state.changes == savedChanges { return }
        var made: String?
        do throws(VecStoreError) {
            let owner = DerivedFile.Owner(
                directory: directory, uuid: try Catalog.uuid(database), changes: state.changes, rowCount: state.rowCount)
            let name = try IDFile.write(
                try idContent(state, database), state.store.points, owner, sync: options.durability != .none)
            made = name
            let before = try database.transaction { () throws(VecStoreError) in
                let before = try IDFile.name(database)
                try IDFile.enter(name, database)
                return before
            }
            savedChanges = state.changes
            if let before { unlink("\(directory)/\(before)") }
        } catch {
            // One that the disk names after all is not there: the database is asked then.
            if let made { unlink("\(directory)/\(made)") }
        }
    }

    /// What the database has in this state: points that have ended are there until they are deleted.
    private func idContent(_ state: CollectionState, _ database: Database) throws(VecStoreError) -> IDFile.Content {
        // Sets of a state may end before its rows do.
        func whole(_ set: RowSet?) throws(VecStoreError) -> RowSet? {
            guard let set else { return nil }
            let copy = try RowSet(span: state.rowCount)
            copy.take(set)
            return copy
        }
        var content = IDFile.Content(
            count: state.count, largestID: largestID, hasTextIDs: state.hasTextIDs, dead: try whole(state.dead), hidden: [])
        for vector in state.vectors { content.hidden.append(vector.hidden === state.dead ? nil : try whole(vector.hidden)) }
        guard hasExpiries, let dead = content.dead else { return content }
        let select = try database.statement("SELECT row, missing FROM points WHERE expires <= ?1")
        defer { select.reset() }
        try select.bind(1, now())
        while try select.step() {
            guard let row = UInt32(exactly: select.number(0)), dead.contains(row) else { continue }
            dead.remove(row)
            content.count += 1
            let missing = UInt64(bitPattern: select.number(1))
            for (place, hidden) in content.hidden.enumerated() where missing & (1 << UInt64(place)) == 0 { hidden?.remove(row) }
        }
        return content
    }
}
