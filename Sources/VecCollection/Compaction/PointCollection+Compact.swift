// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

extension PointCollection {
    /// Gives the disk of points back that were removed or replaced. Searches go on meanwhile, and so do writes while vectors are
    /// copied; then they wait for the database.
    ///
    /// The collection is as it was, or compact, whatever happens at whatever moment.
    /// - Parameter progress: Is told of bytes of vectors, and may cancel until all are copied.
    /// - Returns: Bytes that the collection took on the disk before, and takes now.
    func compactAll(progress: Progress?) throws(VecStoreError) -> (before: Int, after: Int) {
        guard let indexer, let writer else {
            throw VecStoreError(.readOnly, "'\(directory)' is open for reading alone")
        }
        let before = try diskBytes()
        try indexer.alone { () throws(VecStoreError) in
            try indexer.finishAlone(self, progress: progress.map { progress in { (_, _) in progress(0, 1) } })
            try compactRows(progress)
            try indexer.saveAlone(self, writer)
        }
        try writing { database throws(VecStoreError) in
            try compactDatabase(database)
            saveIDs(database)
        }
        try saveAllFields()
        return (before, try diskBytes())
    }

    /// Nobody changes graphs meanwhile.
    private func compactRows(_ progress: Progress?) throws(VecStoreError) {
        let uuid = try writing { database throws(VecStoreError) in try Catalog.uuid(database) }
        var compaction = try Compaction(self, progress: progress)
        guard compaction.isNeeded else { return }
        do throws(VecStoreError) {
            try compaction.copy(uuid)
            try writing { database throws(VecStoreError) in
                filesToRemove += try compaction.commit(database)
                indexer?.noteSaved()
                // After a loss of power the database may need the old files again, until the disk has the commit.
                if options.durability != .none {
                    let isInDatabase = try database.emptyLog()
                    if !isInDatabase { try database.synchronize() }
                }
                for path in filesToRemove { unlink(path) }
                filesToRemove = []
            }
        } catch {
            if !compaction.isDecided {
                for path in compaction.made { unlink(path) }
            } else if current.store !== compaction.store {
                // The disk may have the commit although it failed, until another one is behind it.
                writeLock.withLock { filesToRemove += compaction.made }
            }
            throw error
        }
    }

    /// Shows the points of a collection that was compacted. After the commit, by the one writer: it cannot fail.
    func take(_ compacted: CollectionState, nextExpiry: Int64) {
        // What died before is in indexes that nobody changes any more.
        fieldsLock.alone { graveyard = Graveyard() }
        self.nextExpiry.store(nextExpiry, ordering: .relaxed)
        nextRow = compacted.rowCount
        waiting = compacted.vectors.map(\.waiting)
        publish { old in compacted.following(old) }
    }

    /// Makes the database as small as what is in it. By the one writer.
    private func compactDatabase(_ database: Database) throws(VecStoreError) {
        for field in current.fields.fields where field.type == .text {
            try database.run("INSERT INTO \(field.textTable) (\(field.textTable)) VALUES ('optimize')")
        }
        _ = try database.emptyLog()
        database.forgetStatements()
        try database.run("VACUUM")
        _ = try database.emptyLog()
    }
}
