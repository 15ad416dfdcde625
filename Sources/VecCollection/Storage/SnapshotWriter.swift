// SPDX-License-Identifier: Apache-2.0

import CSQLite
import Glibc
import VecIndex

/// Copies a collection into another directory while it goes on being written: the state of one moment.
///
/// The database is copied first, by SQLite's own backup, in one step and so from one state. The rows that it names are there by
/// then and never change, so their files can be copied after it.
struct SnapshotWriter {
    private let collection: PointCollection
    private let target: String

    init(_ collection: PointCollection, into target: String) {
        self.collection = collection
        self.target = target
    }

    func write(progress: Progress?) throws(VecStoreError) {
        let copy = try Database("\(target)/\(Catalog.fileName)", .create)
        // Files that lie open can be read, though the collection be compacted and have others.
        let store = try collection.matching { (state, source) throws(VecStoreError) in
            try copyDatabase(source, copy)
            return state.store
        }
        try IDFile.enter(nil, copy)
        try FieldFile.enterNone(copy)
        let rowCount = try Catalog.nextRow(copy)
        let vectors = try Catalog.vectors(copy, target)
        let total = vectors.reduce(0) { $0 + rowCount * $1.settings.rowSize }
        var done = 0
        for (source, (settings, file)) in zip(store.files, vectors) {
            let bytes = RowFile.headerBytes + rowCount * settings.rowSize
            try copyFile(source.file, file, bytes) { part throws(VecStoreError) in
                done += part
                if let progress, !progress(min(done, total), max(total, 1)) {
                    throw VecStoreError(.cancelled, "the snapshot was cancelled")
                }
            }
        }
        try copyGraphs(copy)
        _ = try copy.number("PRAGMA wal_checkpoint(TRUNCATE)")
    }

    private func copyDatabase(_ source: Database, _ copy: Database) throws(VecStoreError) {
        guard let backup = sqlite3_backup_init(copy.handle, "main", source.handle, "main") else {
            throw copy.failure("copy to")
        }
        let result = sqlite3_backup_step(backup, -1)
        sqlite3_backup_finish(backup)
        guard result == SQLITE_DONE else {
            try copy.check(result, "copy to")
            throw copy.failure("copy to")
        }
        try copy.run("PRAGMA journal_mode = WAL")
        copy.keepLog()
    }

    /// Copies the first bytes of a file, and waits until the disk has them.
    private func copyFile(
        _ source: FileHandle, _ name: String, _ bytes: Int, _ tell: (Int) throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        let copy = try FileHandle.create("\(target)/\(name)")
        let piece = 8 << 20
        let buffer = try allocate(UInt8.self, min(piece, max(bytes, 1)), for: "a copy of '\(name)'")
        var done = 0
        while done < bytes {
            let part = min(piece, bytes - done)
            try source.read(buffer.base, part, at: done)
            try copy.write(buffer.base, part, at: done)
            done += part
            try tell(part)
        }
        try copy.synchronize()
    }

    /// Graphs are derived: one that has been replaced meanwhile is left out, and made anew by whoever opens the copy.
    private func copyGraphs(_ copy: Database) throws(VecStoreError) {
        for place in collection.settings.indices {
            guard let graph = try GraphFile.find(copy, place) else { continue }
            do throws(VecStoreError) {
                let source = try FileHandle.openForReading("\(collection.directory)/\(graph.file)")
                try copyFile(source, graph.file, try source.size()) { _ throws(VecStoreError) in }
            } catch {
                guard error.code == .notFound else { throw error }
                unlink("\(target)/\(graph.file)")
                try GraphFile.enter(nil, place, copy)
            }
        }
    }
}
