// SPDX-License-Identifier: Apache-2.0

import Synchronization
import VecIndex

extension PointCollection {
    /// Sees what others have written since this was opened, or refreshed last. For collections that are open for reading; one that is
    /// open for writing sees everything at once.
    /// - Returns: Whether there was anything new.
    func showChanges() throws(VecStoreError) -> Bool {
        guard isReadOnly else { return false }
        return try readers.renew { database throws(VecStoreError) in
            let now = current, moment = ticks()
            if try Catalog.changes(database) == now.changes {
                shownSince.store(moment, ordering: .relaxed)
                return false
            }
            let rowCount = try Catalog.nextRow(database)
            let described = try Catalog.vectors(database, directory)
            let isCompacted = zip(described, now.store.files).contains { "\(directory)/\($0.file)" != $1.file.path }
            var store = now.store
            if isCompacted {
                store = try RowStore(
                    directory, described, try Catalog.uuid(database), rows: rowCount, isWritable: false, memory: options.memory)
            } else {
                for file in store.files { try file.checkSize(rows: rowCount) }
            }
            let loader = StateLoader(
                directory, database, settings, store, memory: options.memory, knownRows: isCompacted ? 0 : now.rowCount)
            let (loaded, _, _) = try loader.load(rowCount: rowCount)
            for file in store.files { try file.external.grow(to: rowCount) }
            nextExpiry.store(try StateLoader.nextExpiry(database), ordering: .relaxed)
            shownSince.store(moment, ordering: .relaxed)
            publish { old in loaded.following(old) }
            return true
        }
    }
}
