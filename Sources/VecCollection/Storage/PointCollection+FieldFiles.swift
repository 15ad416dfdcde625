// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

extension PointCollection {
    /// Writes the values of fields that are in memory into files, from which the next one who asks for such a field has them at
    /// once. Files of earlier states go. By the one writer; where nothing can be written the next one reads payloads.
    func saveFields(_ database: Database) {
        let state = current
        let fields = state.fields.fields.filter { $0.type != .text && $0.savedChanges != state.changes }
        guard !fields.isEmpty, forgetDeadRows(state.fields) else { return }
        var new: [(field: Field, name: String?)] = []
        do throws(VecStoreError) {
            let owner = try owner(database, changes: state.changes, rowCount: state.rowCount)
            for field in fields {
                if state.rowCount >= DerivedFile.leastRows, let loaded = field.loaded {
                    new.append((field, try saved(loaded, field, owner)))
                } else if let old = try FieldFile.name(field.place, database), !FieldFile.isOf(old, field, owner) {
                    new.append((field, nil))
                }
            }
        } catch {
            remove(new.compactMap(\.name))
            return
        }
        enter(new, changes: state.changes, database)
    }

    /// The same, after the values of fields that are not in memory were read and written, and let go again. Writes go on while
    /// payloads are read; where one came there is no file of such a field.
    func saveAllFields() throws(VecStoreError) {
        var made: [(field: Field, name: String?)] = []
        // Of payloads that cannot be read there is no file, as there is none where it cannot be written.
        let state = try? matching { (state, database) throws(VecStoreError) in
            let owner = try owner(database, changes: state.changes, rowCount: state.rowCount)
            var fields = try unsavedFields(state, owner, database)[...]
            // So many at a time as take little memory.
            let most = max(PointCollection.mostUnsavedRows / max(state.rowCount, 1), 1)
            while !fields.isEmpty {
                let some = Array(fields.prefix(most))
                for (field, values) in zip(some, try readValues(some, database, rowCount: state.rowCount)) {
                    made.append((field, try FieldFile.write(values, field, owner, sync: options.durability != .none)))
                }
                fields = fields.dropFirst(most)
            }
            return state
        }
        try writing { database throws(VecStoreError) in
            if let state, state.changes == current.changes {
                enter(made, changes: state.changes, database)
            } else {
                remove(made.compactMap(\.name))
            }
            saveFields(database)
        }
    }

    /// Rows of fields whose values are in memory at the same time, to be written and let go again.
    private static let mostUnsavedRows = 10_000_000

    /// Fields that are neither in memory nor in a file of a state.
    private func unsavedFields(
        _ state: CollectionState, _ owner: DerivedFile.Owner, _ database: Database
    ) throws(VecStoreError) -> [Field] {
        if state.rowCount < DerivedFile.leastRows { return [] }
        let fields = fieldsLock.shared {
            state.fields.fields.filter { $0.type != .text && $0.loaded == nil && !$0.isTooLarge }
        }
        var found: [Field] = []
        for field in fields {
            let name = try FieldFile.name(field.place, database)
            if !(name.map { FieldFile.isOf($0, field, owner) } ?? false) { found.append(field) }
        }
        return found
    }

    /// Names files of a state in the place of those before, or none. Where that fails they are removed. By the one writer.
    private func enter(_ files: [(field: Field, name: String?)], changes: Int64, _ database: Database) {
        if files.isEmpty { return }
        do throws(VecStoreError) {
            let before = try database.transaction { () throws(VecStoreError) in
                var before: [String] = []
                for (field, name) in files {
                    if let old = try FieldFile.name(field.place, database) { before.append(old) }
                    try FieldFile.enter(name, field.place, database)
                }
                return before
            }
            for (field, name) in files where name != nil { field.savedChanges = changes }
            remove(before)
        } catch {
            // One that the disk names after all is not there: payloads are read then.
            remove(files.compactMap(\.name))
        }
    }

    private func remove(_ names: [String]) { for name in names { unlink("\(directory)/\(name)") } }

    private func saved(
        _ loaded: LoadedField, _ field: Field, _ owner: DerivedFile.Owner
    ) throws(VecStoreError) -> String {
        // Writing settles what came last: who searches meanwhile would see that half done.
        try fieldsLock.alone { () throws(VecStoreError) in try loaded.index?.settle() }
        return try FieldFile.write(loaded, field, owner, sync: options.durability != .none)
    }

    private func owner(_ database: Database, changes: Int64, rowCount: Int) throws(VecStoreError) -> DerivedFile.Owner {
        DerivedFile.Owner(directory: directory, uuid: try Catalog.uuid(database), changes: changes, rowCount: rowCount)
    }

    /// Takes rows that no search goes by any more out of what is in memory of fields.
    /// - Returns: Whether none is left.
    private func forgetDeadRows(_ fields: FieldTable) -> Bool {
        fieldsLock.alone {
            graveyard.forget(fields)
            return graveyard.isEmpty
        }
    }

    /// What a file has of the values of a field, in the state that a database shows; nil: nothing. For who has the lock of writers.
    func savedValues(_ field: Field, _ database: Database, rowCount: Int) throws(VecStoreError) -> LoadedField? {
        guard let name = try FieldFile.name(field.place, database), try Catalog.nextRow(database) == rowCount else { return nil }
        let changes = try Catalog.changes(database)
        let loaded = FieldFile.read(name, field, try owner(database, changes: changes, rowCount: rowCount))
        field.savedChanges = loaded == nil ? -1 : changes
        return loaded
    }

    /// Names no file of a field any more, in a transaction of the writer.
    /// - Returns: The path of the one that there was, to be removed after the commit.
    func forgetFile(of field: Field, _ database: Database) throws(VecStoreError) -> String? {
        guard let name = try FieldFile.name(field.place, database) else { return nil }
        try FieldFile.enter(nil, field.place, database)
        field.savedChanges = -1
        return "\(directory)/\(name)"
    }
}
