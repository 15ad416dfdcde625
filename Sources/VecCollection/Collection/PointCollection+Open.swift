// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension PointCollection {
    /// Makes a directory with an empty collection, and opens it. The directory appears whole or not at all.
    /// - Parameter path: Of a directory that is not there, or is empty.
    package static func create(
        _ path: String, vectors: [VectorSettings], _ options: CollectionOptions = CollectionOptions()
    ) throws(VecStoreError) -> PointCollection {
        guard !options.isReadOnly else {
            throw VecStoreError(.invalidArgument, "a collection that is made is open for writing: read_only goes with open")
        }
        try check(vectors)
        let path = NewDirectory.trimmed(path)
        try NewDirectory.make(path, sync: options.durability != .none) { directory throws(VecStoreError) in
            try fill(directory, vectors, sync: options.durability != .none)
        }
        return try open(path, options)
    }

    private static func fill(_ directory: String, _ vectors: [VectorSettings], sync: Bool) throws(VecStoreError) {
        let uuid = CollectionUUID.random()
        let files = vectors.enumerated().map { (settings: $0.element, file: "vectors-\($0.offset).rows") }
        for (settings, file) in files {
            try RowFile.create("\(directory)/\(file)", settings, collection: uuid, sync: sync)
        }
        let database = try Database("\(directory)/\(Catalog.fileName)", .create)
        _ = try database.number("PRAGMA page_size = 4096")
        try database.run("PRAGMA journal_mode = WAL")
        database.keepLog()
        try Catalog.create(database, uuid, files)
        // All of it in the file itself: the directory may be moved as it is.
        _ = try database.number("PRAGMA wal_checkpoint(TRUNCATE)")
    }

    /// Opens a collection.
    package static func open(
        _ path: String, _ options: CollectionOptions = CollectionOptions()
    ) throws(VecStoreError) -> PointCollection {
        let path = NewDirectory.trimmed(path)
        guard FileHandle.exists("\(path)/\(Catalog.fileName)") else {
            throw VecStoreError(.notFound, "'\(path)' is not a collection: it has no \(Catalog.fileName)")
        }
        let lock = options.isReadOnly ? nil : try DirectoryLock(path)
        let opened = try OpenedCollection(path, options)
        let collection = try PointCollection(path, opened, options, lock: lock)
        let strays = try opened.writer.map { writer throws(VecStoreError) in try GraphFile.removeStrays(path, writer) } ?? 0
        collection.tellOpened(strays: strays)
        collection.indexer?.wake()
        return collection
    }

    /// Tells what was found that an earlier process has left over, and what has to be made again.
    private func tellOpened(strays: Int) {
        let state = current
        log.tell(.debug, "'\(directory)': opened for \(isReadOnly ? "reading" : "writing"), \(state.count) points")
        for (settings, vector) in zip(settings, state.vectors) {
            if let reason = vector.graphFailure {
                let what = isReadOnly ? "all points are compared instead" : "it is made again"
                log.tell(.warning, "'\(directory)': the graph of the vector '\(settings.name)' cannot be used, \(what): \(reason)")
            }
        }
        if isReadOnly { return }
        if strays > 0 { log.tell(.info, "'\(directory)': removed \(strays) files that were not written to their end") }
        for file in state.store.files {
            guard log.isTold(.info), let size = try? file.file.size() else { continue }
            let rows = (size - RowFile.headerBytes) / max(file.stride, 1) - state.rowCount
            if rows > 0 {
                log.tell(.info, "'\(file.file.path)': \(rows) rows of writes that were never acknowledged are written over")
            }
        }
    }

    private static func check(_ vectors: [VectorSettings]) throws(VecStoreError) {
        guard !vectors.isEmpty && vectors.count <= CollectionLimits.vectors else {
            throw VecStoreError(
                .invalidArgument, "a collection of \(vectors.count) vectors: allowed are 1 to \(CollectionLimits.vectors)")
        }
        var names = Set<[UInt8]>()
        for vector in vectors {
            try vector.check()
            guard names.insert(Array(vector.name.utf8)).inserted else {
                throw VecStoreError(.invalidArgument, "the vector '\(vector.name)' comes twice")
            }
            if vector.name.isEmpty && vectors.count > 1 {
                throw VecStoreError(.invalidArgument, "a vector has no name: only a single one may have none")
            }
        }
    }
}
