// SPDX-License-Identifier: Apache-2.0

import Synchronization
import VecIndex

extension PointCollection {
    /// Sees what others have written since this was opened, or refreshed last. For collections that are open for reading; one that is
    /// open for writing sees everything at once.
    /// - Returns: Whether there was anything new.
    func showChanges() throws(VecStoreError) -> Bool {
        try checkUsable()
        guard isReadOnly else { return false }
        return try readers.with { database throws(VecStoreError) in
            // The transaction that shows the points of one moment ends, and another one begins.
            try database.run("COMMIT")
            try database.run("BEGIN")
            shownSince.store(ticks(), ordering: .relaxed)
            if try Catalog.changes(database) == current.changes { return false }
            let rowCount = try Catalog.nextRow(database)
            for file in rowFiles { try file.checkSize(rows: rowCount) }
            let loader = StateLoader(directory, database, settings, rowFiles, points, knownRows: current.rowCount)
            let (loaded, _) = try loader.load(rowCount: rowCount)
            for file in rowFiles { try file.external.grow(to: rowCount) }
            nextExpiry.store(try StateLoader.nextExpiry(database), ordering: .relaxed)
            publish { old in loaded.following(old) }
            return true
        }
    }
}
