// SPDX-License-Identifier: Apache-2.0

import CSQLite
import VecIndex
import VecKernelTypes

/// The tables of a collection, which are the truth about it, and what they say of it as a whole.
enum Catalog {
    static let fileName = "collection.db"
    /// Says that an SQLite file is a collection: "VecS".
    static let applicationID: Int64 = 0x5665_6353
    static let version: Int64 = 1

    /// `points.id` is a number (its 64 bits as SQLite's signed ones) or a text: SQLite tells them apart. `checksum` is of the
    /// row's vectors as they are stored, one after the other, exclusive or that of its payload, and `missing` has a bit for each
    /// vector that the point has not.
    private static let tables = """
        CREATE TABLE settings (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
        CREATE TABLE vectors (
            place INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, dim INTEGER NOT NULL, metric INTEGER NOT NULL,
            dtype INTEGER NOT NULL, kind TEXT NOT NULL, m INTEGER NOT NULL, ef_construction INTEGER NOT NULL,
            storage INTEGER NOT NULL, model TEXT NOT NULL, model_version TEXT NOT NULL, file TEXT NOT NULL);
        CREATE TABLE points (
            row INTEGER PRIMARY KEY, id NOT NULL, checksum INTEGER NOT NULL, missing INTEGER, expires INTEGER, payload TEXT);
        CREATE UNIQUE INDEX points_id ON points (id);
        CREATE INDEX points_expires ON points (expires) WHERE expires IS NOT NULL;
        CREATE TABLE fields (
            path TEXT, type TEXT, place INTEGER NOT NULL UNIQUE, options TEXT NOT NULL, PRIMARY KEY (path, type))
            WITHOUT ROWID;
        CREATE TABLE graphs (place INTEGER PRIMARY KEY, file TEXT NOT NULL, rows INTEGER NOT NULL);
        """

    // MARK: - Making

    static func create(
        _ database: Database, _ uuid: CollectionUUID, _ vectors: [(settings: VectorSettings, file: String)]
    ) throws(VecStoreError) {
        try database.transaction { () throws(VecStoreError) in
            try database.run(tables)
            try database.run("PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version)")
            try set(database, "uuid_high", Int64(bitPattern: uuid.high))
            try set(database, "uuid_low", Int64(bitPattern: uuid.low))
            try set(database, "next_row", 0)
            try set(database, "changes", 0)
            let insert = try database.statement("INSERT INTO vectors VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)")
            for (place, (vector, file)) in vectors.enumerated() {
                try insert.bind(1, Int64(place))
                try insert.bind(2, vector.name)
                try insert.bind(3, Int64(vector.dimension))
                try insert.bind(4, Int64(vector.metric.rawValue))
                try insert.bind(5, Int64(vector.type.rawValue))
                try insert.bind(6, vector.kind.rawValue)
                try insert.bind(7, Int64(vector.m))
                try insert.bind(8, Int64(vector.efConstruction))
                try insert.bind(9, Int64(vector.storage.rawValue))
                try insert.bind(10, vector.model)
                try insert.bind(11, vector.modelVersion)
                try insert.bind(12, file)
                try insert.run()
            }
        }
    }

    // MARK: - Reading

    /// Refuses what is no collection, or one of a later version.
    static func check(_ database: Database, _ directory: String) throws(VecStoreError) {
        guard try database.number("PRAGMA application_id") == applicationID else {
            throw VecStoreError(.corrupt, "'\(directory)' is not a collection: its database was made by something else")
        }
        let found = try database.number("PRAGMA user_version")
        guard found <= version else {
            throw VecStoreError(
                .newerVersion, "'\(directory)' is a collection of version \(found): this library reads up to \(version)")
        }
        guard found >= 1 else { throw VecStoreError(.corrupt, "'\(directory)' is a collection of version \(found)") }
    }

    static func uuid(_ database: Database) throws(VecStoreError) -> CollectionUUID {
        CollectionUUID(
            high: UInt64(bitPattern: try number(database, "uuid_high")), low: UInt64(bitPattern: try number(database, "uuid_low")))
    }

    static func vectors(
        _ database: Database, _ directory: String
    ) throws(VecStoreError) -> [(settings: VectorSettings, file: String)] {
        let select = try database.statement(
            "SELECT place, name, dim, metric, dtype, kind, m, ef_construction, storage, model, model_version, file FROM vectors ORDER BY place")
        defer { select.reset() }
        var vectors: [(settings: VectorSettings, file: String)] = []
        while try select.step() {
            guard select.number(0) == Int64(vectors.count), let dimension = Int(exactly: select.number(2)),
                let metric = UInt32(exactly: select.number(3)).flatMap(Metric.init(rawValue:)),
                let type = UInt32(exactly: select.number(4)).flatMap(ElementType.init(rawValue:)),
                let kind = VectorIndexKind(rawValue: select.text(5)), let m = Int(exactly: select.number(6)),
                let efConstruction = Int(exactly: select.number(7)),
                let storage = UInt32(exactly: select.number(8)).flatMap(GraphStorage.init(rawValue:))
            else {
                throw VecStoreError(.corrupt, "'\(directory)': the description of vector \(vectors.count) is damaged")
            }
            let vector = VectorSettings(
                name: select.text(1), dimension: dimension, metric: metric, type: type, kind: kind, m: m,
                efConstruction: efConstruction, storage: storage, model: select.text(9), modelVersion: select.text(10))
            do throws(VecStoreError) {
                try vector.check()
            } catch {
                throw VecStoreError(.corrupt, "'\(directory)': the description of its vectors is damaged: \(error.message)")
            }
            let file = select.text(11)
            guard !file.isEmpty, !file.contains("/") else {
                throw VecStoreError(.corrupt, "'\(directory)': the vectors lie in a file of the name '\(file)'")
            }
            vectors.append((vector, file))
        }
        guard !vectors.isEmpty, vectors.count <= CollectionLimits.vectors else {
            throw VecStoreError(.corrupt, "'\(directory)' has \(vectors.count) kinds of vectors")
        }
        return vectors
    }

    // MARK: - Settings

    static func set(_ database: Database, _ name: String, _ value: Int64) throws(VecStoreError) {
        let statement = try database.statement("INSERT OR REPLACE INTO settings VALUES (?1, ?2)")
        try statement.bind(1, name)
        try statement.bind(2, value)
        try statement.run()
    }

    static func number(_ database: Database, _ name: String) throws(VecStoreError) -> Int64 {
        let statement = try database.statement("SELECT value FROM settings WHERE name = ?1")
        defer { statement.reset() }
        try statement.bind(1, name)
        guard try statement.step(), statement.type(0) == .number else {
            throw VecStoreError(.corrupt, "'\(database.path)' does not say its \(name)")
        }
        return statement.number(0)
    }

    /// A part of every write: who has the collection open for reading sees by it that there is something new.
    ///
    /// The number is drawn: one that counts would come again, for other points, where writes are lost with the power, or a copy takes
    /// the place of the collection.
    static func noteChange(_ database: Database) throws(VecStoreError) {
        var source = SystemRandomNumberGenerator()
        try set(database, "changes", Int64(truncatingIfNeeded: source.next() as UInt64 >> 1))
    }

    static func changes(_ database: Database) throws(VecStoreError) -> Int64 { try number(database, "changes") }

    /// Rows that have been handed out.
    static func nextRow(_ database: Database) throws(VecStoreError) -> Int {
        let value = try number(database, "next_row")
        guard value >= 0, value <= Int64(Limits.graphRows) else {
            throw VecStoreError(.corrupt, "'\(database.path)' says that it has \(value) rows")
        }
        return Int(value)
    }
}
