// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

extension PointCollection {
    /// Checks all that `verify` checks, and makes anew what is derived and damaged: indexes of the database, words, graphs, what is in
    /// memory. Searches go on meanwhile; writers wait until graphs are made.
    ///
    /// Points whose vectors or payload are damaged are told, and stay as they are.
    /// - Parameter progress: Is told of rows that came into graphs. Who cancels leaves the rest of that to the thread in the background.
    /// - Returns: What was damaged, and whether it is in order now.
    /// - Throws: `.corrupt` where the database itself is beyond repair.
    func repairAll(progress: Progress?) throws(VecStoreError) -> [Damage] {
        try checkUsable()
        guard let indexer, let writer else {
            throw VecStoreError(.readOnly, "'\(directory)' is open for reading alone")
        }
        var damages: [Damage] = []
        try indexer.alone { () throws(VecStoreError) in
            try writing { database throws(VecStoreError) in
                try repairDatabase(database, &damages)
                try repairPoints(database, &damages)
                for field in current.fields.fields { try repair(field, database, &damages) }
                for place in settings.indices { try repairGraph(place, database, &damages) }
            }
            try indexer.finishAlone(self, progress: progress)
            try indexer.saveAlone(self, writer)
        }
        let found = damages
        damagesLock.withLock { lastDamages = found }
        return found
    }

    /// What the last call of `repair` has found.
    package func repairReport() throws(VecStoreError) -> [Damage] {
        try checkUsable()
        return damagesLock.withLock { lastDamages }
    }

    private func repairDatabase(_ database: Database, _ damages: inout [Damage]) throws(VecStoreError) {
        let problems = try databaseProblems(database, most: PointCollection.mostDamages)
        if problems.isEmpty { return }
        do throws(VecStoreError) {
            try database.run("REINDEX")
        } catch {
            guard error.code == .corrupt || error.code == .internalError else { throw error }
        }
        if let left = try databaseProblems(database, most: 1).first {
            throw VecStoreError(
                .corrupt, "'\(directory)': the database is damaged, and nothing can be made anew from it: \(left). Restore a snapshot")
        }
        damages += problems.map { Damage(part: .database, name: "", message: "'\(directory)': \($0)", isRepaired: true) }
    }

    private func repairPoints(_ database: Database, _ damages: inout [Damage]) throws(VecStoreError) {
        var found: [Damage] = [], points = 0, ids = 0
        try checkPoints(database, current) { damage throws(VecStoreError) in
            if damage.part == .point { points += 1 } else { ids += 1 }
            if damage.part == .point ? points <= PointCollection.mostDamages : ids == 1 { found.append(damage) }
        }
        if points > PointCollection.mostDamages {
            let more = points - PointCollection.mostDamages
            found.append(Damage(part: .point, name: "", message: "'\(directory)': \(more) more points are damaged", isRepaired: false))
        }
        if ids > 0 {
            try readIDsAnew(database)
            for i in found.indices where found[i].part == .ids { found[i].isRepaired = true }
        }
        damages += found
    }

    /// Takes what the database has of ids in the place of what is in memory.
    private func readIDsAnew(_ database: Database) throws(VecStoreError) {
        let old = current, store = RowStore(old.store.files, try PointTable())
        if let name = try IDFile.name(database) {
            try database.transaction { () throws(VecStoreError) in try IDFile.enter(nil, database) }
            unlink("\(directory)/\(name)")
        }
        savedChanges = -1
        let (read, largest, _) = try StateLoader(directory, database, settings, store, memory: options.memory).load(rowCount: old.rowCount)
        let next = try StateLoader.nextExpiry(database)
        largestID = largest
        hasExpiries = hasExpiries || next != .max
        nextExpiry.store(next, ordering: .relaxed)
        publish { state in read.following(state).having(state.fields, changes: read.changes) }
    }

    private func repair(_ field: Field, _ database: Database, _ damages: inout [Damage]) throws(VecStoreError) {
        guard field.type == .text else {
            let file = try database.transaction { () throws(VecStoreError) in try forgetFile(of: field, database) }
            if let file { unlink(file) }
            guard fieldsLock.shared({ field.loaded != nil }) else { return }
            // Who reads it meanwhile has the one before.
            let loaded: LoadedField?
            do throws(VecStoreError) {
                loaded = try readValues([field], database, rowCount: current.rowCount).first
            } catch {
                // Of a payload that cannot be read: it is looked at when it is asked for.
                guard error.code == .corrupt || error.code == .invalidArgument else { throw error }
                loaded = nil
            }
            fieldsLock.alone { field.loaded = loaded }
            return
        }
        try repairText(field, database, &damages)
        if fieldsLock.shared({ field.lengths != nil }) {
            let lengths = try TextLengths.load(field, database, rowCount: current.rowCount)
            fieldsLock.alone { field.lengths = lengths }
        }
    }

    private func repairText(_ field: Field, _ database: Database, _ damages: inout [Damage]) throws(VecStoreError) {
        do throws(VecStoreError) {
            try verifyText(field, database)
            return
        } catch {
            // A table that is not there at all is an error of our SQL.
            guard error.code == .corrupt || error.code == .internalError else { throw error }
            damages.append(Damage(part: .text, name: field.name, message: error.message, isRepaired: false))
        }
        database.forgetStatements()
        do throws(VecStoreError) {
            let changes = try database.transaction { () throws(VecStoreError) in
                try database.run("DROP TABLE IF EXISTS \(field.textTable)")
                try fillTextTable(field, database)
                try Catalog.noteChange(database)
                return try Catalog.changes(database)
            }
            publish { $0.having($0.fields, changes: changes) }
            damages[damages.count - 1].isRepaired = true
        } catch {
            // Of a payload that cannot be read there are no words.
            guard error.code == .corrupt || error.code == .invalidArgument else { throw error }
        }
    }

    private func repairGraph(_ place: Int, _ database: Database, _ damages: inout [Damage]) throws(VecStoreError) {
        let state = current, vector = state.vectors[place]
        var message = vector.graphFailure
        if message == nil {
            do throws(VecStoreError) {
                try verifyGraph(vector, place, state.rowCount)
                return
            } catch {
                guard error.code == .corrupt else { throw error }
                message = error.message
            }
        }
        let saved = try GraphFile.find(database, place)
        try database.transaction { () throws(VecStoreError) in try GraphFile.enter(nil, place, database) }
        if let saved { unlink("\(directory)/\(saved.file)") }
        publish { old in
            old.changing(place) { vector in
                vector.graph = nil
                vector.graphFailure = nil
                vector.indexedRows = 0
                vector.hiddenInGraph = 0
            }
        }
        damages.append(Damage(part: .graph, name: settings[place].name, message: message ?? "", isRepaired: true))
    }

    /// Points of a report. There may be as many as there are.
    private static let mostDamages = 1000
}

extension [Damage] {
    /// As JSON: an array of objects.
    package var json: String {
        var json = JSONWriter()
        json.beginArray()
        for damage in self {
            json.beginObject()
            json.key("part")
            json.string(damage.part.rawValue)
            json.key("name")
            json.string(damage.name)
            json.key("message")
            json.string(damage.message)
            json.key("repaired")
            json.bool(damage.isRepaired)
            json.endObject()
        }
        json.endArray()
        return json.text
    }
}
