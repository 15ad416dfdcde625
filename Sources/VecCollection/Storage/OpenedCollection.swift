// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// The parts of a collection as its directory has them.
struct OpenedCollection {
    var uuid: CollectionUUID
    var settings: [VectorSettings]
    var readers: ReaderPool
    var writer: Database?
    var state: CollectionState
    var largestID: UInt64?
    var nextExpiry: Int64
    /// Whether a file had the ids of this state.
    var hasSavedIDs: Bool

    init(_ directory: String, _ options: CollectionOptions) throws(VecStoreError) {
        let path = "\(directory)/\(Catalog.fileName)"
        if !options.isReadOnly {
            let database = try Database(path, .readWrite)
            try OpenedCollection.prepareWriter(database, options.durability)
            writer = database
        }
        let (reader, mode) = try OpenedCollection.openReader(path)
        try Catalog.check(reader, directory)
        let parts = try OpenedCollection.read(directory, reader, options)
        readers = options.isReadOnly ? ReaderPool(pinned: reader, mode) : ReaderPool(path, mode, first: reader)
        uuid = parts.uuid
        settings = parts.vectors
        state = parts.state
        largestID = parts.largestID
        nextExpiry = parts.nextExpiry
        hasSavedIDs = parts.hasSavedIDs
        if !options.isReadOnly && options.durability != .none { try synchronize(directory) }
    }

    /// All of it is read in one state of the database. Where nothing is written, that is the one that goes on being shown.
    private static func read(
        _ directory: String, _ reader: Database, _ options: CollectionOptions
    ) throws(VecStoreError) -> Parts {
        guard options.isReadOnly else {
            return try reader.reading { () throws(VecStoreError) in try Parts(directory, reader, options) }
        }
        return try retryCompacted(reader) { () throws(VecStoreError) in try Parts(directory, reader, options) }
    }

    /// Calls `body` in a transaction, which stays open, until it finds all files that the database names there: a writer may compact
    /// the collection meanwhile, and then removes those that it had.
    static func retryCompacted<R>(_ reader: Database, _ body: () throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        while true {
            try reader.run("BEGIN")
            let changes = try Catalog.changes(reader)
            do throws(VecStoreError) {
                return try body()
            } catch {
                try reader.run("COMMIT")
                guard error.code == .notFound, try Catalog.changes(reader) != changes else { throw error }
            }
        }
    }

    static func prepareWriter(_ database: Database, _ durability: Durability) throws(VecStoreError) {
        let level =
            switch durability {
            case .full: "FULL"
            case .normal: "NORMAL"
            case .none: "OFF"
            }
        // Values of pragmas cannot be bound; these are constants.
        _ = try database.number("PRAGMA journal_size_limit = 67108864")
        try database.run("PRAGMA synchronous = \(level)")
        try database.run("PRAGMA cache_size = -32768")
        _ = try database.number("PRAGMA wal_autocheckpoint = 8192")
        database.keepLog()
    }

    /// Who may only read gets on without a log where it is empty, or there is none and none can be made: then nobody writes.
    private static func openReader(_ path: String) throws(VecStoreError) -> (Database, Database.Mode) {
        let database = try Database(path, .readOnly)
        do throws(VecStoreError) {
            _ = try database.number("PRAGMA schema_version")
            return (database, .readOnly)
        } catch {
            guard error.code == .io || error.code == .readOnly else { throw error }
            guard !hasContent("\(path)-wal") else { throw error }
        }
        return (try Database(path, .immutable), .immutable)
    }

    private static func hasContent(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_size > 0
    }

    /// Waits until the disk has all that was written before, be it by a writer that did not wait for it. What is written from now
    /// on, and waits, stands on that.
    private func synchronize(_ directory: String) throws(VecStoreError) {
        for file in state.store.files { try file.file.synchronizeContent() }
        try writer?.synchronize()
        try FileHandle.synchronizeDirectory(directory)
        // Who may not read the directory above goes on without.
        try? FileHandle.synchronizeDirectory(NewDirectory.parent(directory))
    }

    /// What the database says, and the files that it names.
    private struct Parts {
        let uuid: CollectionUUID
        let vectors: [VectorSettings]
        let state: CollectionState
        let largestID: UInt64?
        let nextExpiry: Int64
        let hasSavedIDs: Bool

        init(_ directory: String, _ reader: Database, _ options: CollectionOptions) throws(VecStoreError) {
            uuid = try Catalog.uuid(reader)
            let described = try Catalog.vectors(reader, directory)
            vectors = described.map(\.settings)
            let rowCount = try Catalog.nextRow(reader)
            let store = try RowStore(directory, described, uuid, rows: rowCount, isWritable: !options.isReadOnly, memory: options.memory)
            (state, largestID, hasSavedIDs) = try StateLoader(
                directory, reader, vectors, store, memory: options.memory
            ).load(rowCount: rowCount)
            nextExpiry = try StateLoader.nextExpiry(reader)
        }
    }
}
