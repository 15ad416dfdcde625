// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// The file of a graph, and what the database says of it. It is derived: one that is lost or damaged is made anew.
struct GraphFile {
    let file: String
    /// The graph has all rows below that were alive with their vector when it was saved.
    let rows: Int

    /// The graph of a vector that was saved last.
    static func find(_ database: Database, _ place: Int) throws(VecStoreError) -> GraphFile? {
        let select = try database.statement("SELECT file, rows FROM graphs WHERE place = ?1")
        try select.bind(1, Int64(place))
        defer { select.reset() }
        guard try select.step(), let rows = Int(exactly: select.number(1)), rows >= 0 else { return nil }
        let file = select.text(0)
        guard !file.isEmpty, !file.contains("/") else { return nil }
        return GraphFile(file: file, rows: rows)
    }

    /// Writes a graph, enters it, and removes the one before.
    ///
    /// The database learns of it after the disk has it, and in a later transaction than of the rows in it. So a graph that is
    /// named there never has rows that a loss of power has taken.
    static func save(
        _ index: any VectorIndex, rows: Int, place: Int, _ collection: PointCollection, _ database: Database
    ) throws(VecStoreError) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let name = "graph-\(place)-\(rows)-\(now.tv_sec)\(now.tv_nsec).vecstore"
        let path = "\(collection.directory)/\(name)"
        try index.save(to: path, sync: collection.options.durability != .none)
        var before: GraphFile?
        do throws(VecStoreError) {
            before = try collection.writeLock.withLock { () throws(VecStoreError) in
                try database.transaction { () throws(VecStoreError) in
                    let before = try find(database, place)
                    try enter(GraphFile(file: name, rows: rows), place, database)
                    return before
                }
            }
        } catch {
            unlink(path)
            throw error
        }
        // Who has it open or mapped keeps it until he lets go.
        if let before { unlink("\(collection.directory)/\(before.file)") }
    }

    /// Makes it that of a vector; nil: the vector has none.
    static func enter(_ graph: GraphFile?, _ place: Int, _ database: Database) throws(VecStoreError) {
        guard let graph else {
            let delete = try database.statement("DELETE FROM graphs WHERE place = ?1")
            try delete.bind(1, Int64(place))
            try delete.run()
            return
        }
        let insert = try database.statement("INSERT OR REPLACE INTO graphs VALUES (?1, ?2, ?3)")
        try insert.bind(1, Int64(place))
        try insert.bind(2, graph.file)
        try insert.bind(3, Int64(graph.rows))
        try insert.run()
    }

    /// Removes files of graphs, vectors, ids and fields that the database does not name: left over from a save, or from
    /// compacting, that did not come to its end.
    /// - Returns: How many there were.
    static func removeStrays(_ directory: String, _ database: Database) throws(VecStoreError) -> Int {
        let select = try database.statement("SELECT file FROM graphs UNION ALL SELECT file FROM vectors")
        var known = Set<String>()
        while try select.step() { known.insert(select.text(0)) }
        select.reset()
        var count = 0
        if let ids = try IDFile.name(database) { known.insert(ids) }
        known.formUnion(try FieldFile.names(database))
        for name in try fileNames(directory) {
            let isOurs =
                name.hasPrefix("graph-") || (name.hasPrefix("vectors-") && name.hasSuffix(".rows")) || IDFile.isOne(name)
                || FieldFile.isOne(name)
            let isStray = isOurs && !known.contains(name)
            if isStray || AtomicFile.isTemporary(name), unlink("\(directory)/\(name)") == 0 { count += 1 }
        }
        return count
    }
}

/// The names of all files of a directory.
func fileNames(_ directory: String) throws(VecStoreError) -> [String] {
    guard let stream = opendir(directory) else { throw systemError("read", directory) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
        }
        if let name, name != ".", name != ".." { names.append(name) }
    }
    return names
}
