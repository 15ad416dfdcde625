// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension PointCollection {
    /// Sees what others have written since this was opened, or refreshed last. For collections that are open for reading; one that is
    /// open for writing sees everything at once.
    /// - Returns: Whether there was anything new.
    @discardableResult
    package func refresh() throws(VecStoreError) -> Bool {
        try checkUsable()
        guard isReadOnly else { return false }
        return try writeLock.withLock { () throws(VecStoreError) in
            try readers.with { database throws(VecStoreError) in
                try database.reading { () throws(VecStoreError) in
                    let stamp = try Catalog.changes(database)
                    if stamp == seenChanges { return false }
                    let rowCount = try Catalog.nextRow(database)
                    for file in rowFiles { try file.checkSize(rows: rowCount) }
                    let known = current.rowCount
                    let loader = StateLoader(directory, database, settings, rowFiles, points, knownRows: known)
                    let (loaded, _) = try loader.load(rowCount: rowCount)
                    let table = try FieldTable(database)
                    fieldsLock.alone { fields = table }
                    for file in rowFiles { try file.external.grow(to: rowCount) }
                    publish { old in loaded.following(old) }
                    nextExpiry.store(try StateLoader.nextExpiry(database), ordering: .relaxed)
                    seenChanges = stamp
                    return true
                }
            }
        }
    }
}
