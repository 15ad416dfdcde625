// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// Gives the rows of a collection other numbers, without gaps, and writes what lies by number anew: vectors and graphs into new
/// files, the rest in the database. One transaction makes the new files those of the collection; before it nothing has changed,
/// after it the old ones are of no use.
///
/// Searches go by the state that they have, and with it by the old numbers and files, until they end. Writes wait for the second
/// part alone: rows are copied beside them, and those that came meanwhile at the end.
struct Compaction {
    private let collection: PointCollection
    private let progress: Progress?
    private let state: CollectionState
    private var numbers: RowNumbering
    private let tag: String

    /// Files that were made. They belong to the collection from the commit on.
    private(set) var made: [String] = []
    /// Whether the transaction has come to its commit: where that fails, it is not known which of the files the disk names.
    private(set) var isDecided = false

    private(set) var store: RowStore?
    private var graphFiles: [String?]

    /// Sees which rows there are.
    init(_ collection: PointCollection, progress: Progress?) throws(VecStoreError) {
        self.collection = collection
        self.progress = progress
        (state, numbers) = try collection.matching { (state, database) throws(VecStoreError) in
            let numbers = try RowNumbering(span: state.rowCount)
            try Compaction.keepPoints(numbers, from: 0, database)
            for vector in state.vectors { try Compaction.keepGraph(numbers, vector) }
            return (state, numbers)
        }
        try numbers.settle()
        graphFiles = [String?](repeating: nil, count: collection.settings.count)
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        tag = "\(now.tv_sec)\(now.tv_nsec)"
    }

    /// Whether rows have died.
    var isNeeded: Bool { numbers.count < state.rowCount }

    private static func keepPoints(_ numbers: RowNumbering, from first: Int, _ database: Database) throws(VecStoreError) {
        let select = try database.statement("SELECT row FROM points WHERE row >= ?1")
        defer { select.reset() }
        try select.bind(1, Int64(first))
        while try select.step() {
            guard let row = UInt32(exactly: select.number(0)), Int(row) < numbers.span else {
                throw VecStoreError(.corrupt, "'\(database.path)': there is a row \(select.number(0)) of \(numbers.span)")
            }
            numbers.keep(row)
        }
    }

    /// Rows that died a moment ago are in the graph still: they keep a number until they are taken out of it.
    private static func keepGraph(_ numbers: RowNumbering, _ vector: VectorState) throws(VecStoreError) {
        guard let graph = vector.graph, let hidden = vector.hidden else { return }
        var dead: [UInt64] = []
        hidden.forEach { row in
            if row < vector.indexedRows { dead.append(UInt64(row)) }
            return row < vector.indexedRows
        }
        var found = [UInt8](repeating: 0, count: dead.count)
        graph.contains(dead, dead.count, &found)
        for (row, isThere) in zip(dead, found) where isThere == 1 { numbers.keep(UInt32(truncatingIfNeeded: row)) }
    }

    // MARK: - Beside writes

    /// Writes the new files.
    mutating func copy(_ uuid: CollectionUUID) throws(VecStoreError) {
        var files: [RowFile] = []
        for (place, settings) in collection.settings.enumerated() {
            let path = "\(collection.directory)/vectors-\(place)-\(tag).rows"
            made.append(path)
            try RowFile.create(path, settings, collection: uuid, sync: false)
            files.append(try RowFile(path, settings, collection: uuid, rows: 0, isWritable: true))
        }
        let store = RowStore(files, try PointTable())
        self.store = store
        let total = store.files.reduce(0) { $0 + numbers.count * $1.stride }
        var done = 0
        try copy(0..<state.rowCount) { part throws(VecStoreError) in
            done += part
            if let progress, !progress(min(done, total), max(total, 1)) {
                throw VecStoreError(.cancelled, "compact was cancelled: the collection is as it was")
            }
        }
        for (place, vector) in state.vectors.enumerated() {
            guard let graph = vector.graph as? HNSWIndex else { continue }
            let name = "graph-\(place)-\(tag).vecstore"
            made.append("\(collection.directory)/\(name)")
            let numbers = numbers
            try graph.save(to: "\(collection.directory)/\(name)", sync: isSynced) { row in
                numbers[Int(truncatingIfNeeded: row)].map { UInt64($0) }
            }
            graphFiles[place] = name
        }
    }

    private var isSynced: Bool { collection.options.durability != .none }

    private func copy(_ rows: Range<Int>, _ tell: (Int) throws(VecStoreError) -> Void) throws(VecStoreError) {
        guard let store else { return }
        for (source, target) in zip(state.store.files, store.files) {
            try RowCompactor(source, to: target).copy(rows, numbers, tell)
        }
    }

    // MARK: - Alone

    /// Makes the new files those of the collection. By the one writer.
    /// - Returns: Paths of the files that the collection had until now.
    mutating func commit(_ database: Database) throws(VecStoreError) -> [String] {
        guard let store else { return [] }
        try copyLatecomers(database)
        var before = state.store.files.map(\.file.path)
        for place in collection.settings.indices {
            if let graph = try GraphFile.find(database, place) { before.append("\(collection.directory)/\(graph.file)") }
        }
        // By the old numbers, which nobody will ask for any more.
        before += try FieldFile.names(database).map { "\(collection.directory)/\($0)" }
        let numbers = numbers, graphFiles = graphFiles, tag = tag, state = state
        let fields = DatabaseCompaction(collection, numbers)
        // Under the lock of writers: no field comes or goes.
        let loaded = try database.transaction { () throws(VecStoreError) in
            try fields.renumber(database)
            for place in collection.settings.indices {
                let name = try database.statement("UPDATE vectors SET file = ?2 WHERE place = ?1")
                try name.bind(1, Int64(place))
                try name.bind(2, "vectors-\(place)-\(tag).rows")
                try name.run()
                let rows = numbers.count(below: state.vectors[place].indexedRows)
                try GraphFile.enter(graphFiles[place].map { GraphFile(file: $0, rows: rows) }, place, database)
            }
            try FieldFile.enterNone(database)
            try Catalog.set(database, "next_row", Int64(numbers.count))
            try Catalog.noteChange(database)
            let loader = StateLoader(
                collection.directory, database, collection.settings, store, memory: collection.options.memory)
            let loaded = try loader.load(rowCount: numbers.count).0
            try fields.load(loaded.fields, database, rowCount: numbers.count)
            isDecided = true
            return loaded
        }
        // Where it cannot be told, whoever reads next looks.
        collection.take(loaded, nextExpiry: (try? StateLoader.nextExpiry(database)) ?? 0)
        return before
    }

    /// Rows that were written while the others were copied.
    private mutating func copyLatecomers(_ database: Database) throws(VecStoreError) {
        guard let store else { return }
        let now = collection.current
        try numbers.grow(to: now.rowCount)
        try Compaction.keepPoints(numbers, from: state.rowCount, database)
        try numbers.settle()
        try copy(state.rowCount..<now.rowCount) { _ throws(VecStoreError) in }
        for file in store.files {
            try file.skip(to: numbers.count)
            if isSynced { try file.file.synchronize() }
            try file.external.grow(to: numbers.count)
        }
        store.advise(collection.options.memory, rows: numbers.count)
        if isSynced { try FileHandle.synchronizeDirectory(collection.directory) }
    }
}
