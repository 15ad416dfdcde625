// SPDX-License-Identifier: Apache-2.0

import CVecShims
import Glibc
import VecIndex

/// A file with the ids of all rows, and which rows are there: what a state takes from the database, in a tenth of the time. It is
/// derived, and good for exactly one state: where the database has gone on, or the file is damaged, the database is asked.
///
/// The database names it, in a transaction after that whose state it has: so a file that is named is of this very history, and
/// the number of changes says whether there is anything new in it.
enum IDFile {
    /// Fewer rows are read from the database as fast as a file is opened.
    static let leastRows = 2048
    private static let magic: [UInt8] = Array("VECIDSF\n".utf8)
    private static let version: UInt32 = 1
    private static let headerBytes = 128
    private static let setting = "ids_file"
    private static let prefix = "points-"
    private static let suffix = ".ids"

    static func isOne(_ name: String) -> Bool { name.hasPrefix(prefix) && name.hasSuffix(suffix) }

    /// What a file says.
    struct Content {
        var count: Int
        var largestID: UInt64?
        var hasTextIDs: Bool
        var dead: RowSet?
        /// By place: rows without the vector, dead ones too; nil: the dead ones.
        var hidden: [RowSet?]
    }

    /// What is known beside the state: whose it is, and what holds for it.
    struct Owner {
        var directory: String
        var uuid: CollectionUUID
        var changes: Int64
        var rowCount: Int
        var vectors: Int
    }

    /// The file that the database names.
    static func name(_ database: Database) throws(VecStoreError) -> String? {
        let select = try database.statement("SELECT value FROM settings WHERE name = ?1")
        defer { select.reset() }
        try select.bind(1, setting)
        guard try select.step() else { return nil }
        let name = select.text(0)
        return isOne(name) && !name.contains("/") ? name : nil
    }

    /// Names another one, or none.
    static func enter(_ name: String?, _ database: Database) throws(VecStoreError) {
        let change = try database.statement(
            name == nil ? "DELETE FROM settings WHERE name = ?1" : "INSERT OR REPLACE INTO settings VALUES (?1, ?2)")
        try change.bind(1, setting)
        if let name { try change.bind(2, name) }
        try change.run()
    }

    // MARK: - Writing

    /// Writes one under a new name.
    static func write(_ content: Content, _ points: PointTable, _ owner: Owner, sync: Bool) throws(VecStoreError) -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let name = "\(prefix)\(now.tv_sec)\(now.tv_nsec)\(suffix)"
        let file = try AtomicFile("\(owner.directory)/\(name)")
        let writer = try Writer(file.file, at: headerBytes)
        try points.forEachPart(owner.rowCount) { (ids, count) throws(VecStoreError) in try writer.append(ids, 8 * count) }
        for set in [content.dead] + content.hidden { if let set { try writer.append(set.words, 8 * set.wordCount) } }
        let header = try allocate(UInt8.self, headerBytes, for: "the header of a file")
        fill(header.base, content, owner, checksum: writer.checksum)
        try file.file.write(header.base, headerBytes, at: 0)
        try file.commit(sync: sync)
        return name
    }

    private static func fill(_ target: UnsafeMutableRawPointer, _ content: Content, _ owner: Owner, checksum: UInt64) {
        func put<I: FixedWidthInteger>(_ value: I, _ at: Int) { target.storeBytes(of: value.littleEndian, toByteOffset: at, as: I.self) }
        for (i, byte) in magic.enumerated() { put(byte, i) }
        put(version, 8)
        put(UInt32(content.hasTextIDs ? 1 : 0) | (content.largestID != nil ? 2 : 0) | (content.dead != nil ? 4 : 0), 12)
        put(owner.changes, 16)
        put(UInt64(owner.rowCount), 24)
        put(UInt64(content.count), 32)
        put(owner.uuid.high, 40)
        put(owner.uuid.low, 48)
        put(content.largestID ?? 0, 56)
        var own: UInt64 = 0
        for place in content.hidden.indices where content.hidden[place] != nil { own |= 1 << UInt64(place) }
        put(own, 64)
        put(checksum, 72)
        put(vs_checksum(target, headerBytes - 8), headerBytes - 8)
    }

    private final class Writer {
        private let file: FileHandle
        private var offset: Int
        private let stream: OpaquePointer

        init(_ file: FileHandle, at offset: Int) throws(VecStoreError) {
            self.file = file
            self.offset = offset
            guard let stream = vs_checksum_stream_new() else { throw VecStoreError.outOfMemory("a checksum", bytes: 1024) }
            self.stream = stream
        }

        deinit { vs_checksum_stream_free(stream) }

        func append(_ bytes: UnsafeRawPointer, _ count: Int) throws(VecStoreError) {
            vs_checksum_stream_add(stream, bytes, count)
            try file.write(bytes, count, at: offset)
            offset += count
        }

        var checksum: UInt64 { vs_checksum_stream_value(stream) }
    }

    // MARK: - Reading

    /// Reads a file into the table of ids, which has room for them.
    /// - Returns: nil where it is not of this state, or cannot be read: the table may have anything then.
    static func read(_ name: String, _ points: PointTable, _ owner: Owner) -> Content? {
        try? readChecked(name, points, owner)
    }

    private static func readChecked(_ name: String, _ points: PointTable, _ owner: Owner) throws(VecStoreError) -> Content? {
        let file = try FileHandle.openForReading("\(owner.directory)/\(name)")
        let memory = try allocate(UInt8.self, headerBytes, for: "the header of a file")
        try file.read(memory.base, headerBytes, at: 0)
        func u64(_ at: Int) -> UInt64 { UInt64(littleEndian: memory.base.load(fromByteOffset: at, as: UInt64.self)) }
        guard UnsafeRawBufferPointer(start: memory.base, count: 8).elementsEqual(magic),
            UInt32(littleEndian: memory.base.load(fromByteOffset: 8, as: UInt32.self)) == version,
            u64(headerBytes - 8) == vs_checksum(memory.base, headerBytes - 8), u64(16) == UInt64(bitPattern: owner.changes),
            u64(24) == UInt64(owner.rowCount), u64(32) <= UInt64(owner.rowCount), u64(40) == owner.uuid.high,
            u64(48) == owner.uuid.low, owner.vectors == 64 || u64(64) < 1 << UInt64(owner.vectors)
        else { return nil }
        let flags = UInt32(littleEndian: memory.base.load(fromByteOffset: 12, as: UInt32.self)), own = u64(64)
        guard let stream = vs_checksum_stream_new() else { return nil }
        defer { vs_checksum_stream_free(stream) }
        var offset = headerBytes
        try points.forEachPart(owner.rowCount) { (ids, count) throws(VecStoreError) in
            try file.read(ids, 8 * count, at: offset)
            vs_checksum_stream_add(stream, ids, 8 * count)
            offset += 8 * count
        }
        func set(_ isThere: Bool) throws(VecStoreError) -> RowSet? {
            guard isThere else { return nil }
            let set = try RowSet(span: owner.rowCount)
            try file.read(set.words, 8 * set.wordCount, at: offset)
            vs_checksum_stream_add(stream, set.words, 8 * set.wordCount)
            offset += 8 * set.wordCount
            set.clearTail()
            return set
        }
        let dead = try set(flags & 4 != 0)
        var hidden: [RowSet?] = []
        for place in 0..<owner.vectors { hidden.append(try set(own & 1 << UInt64(place) != 0)) }
        guard try file.size() == offset, vs_checksum_stream_value(stream) == u64(72),
            owner.rowCount - (dead?.count ?? 0) == Int(u64(32))
        else { return nil }
        return Content(
            count: Int(u64(32)), largestID: flags & 2 != 0 ? u64(56) : nil, hasTextIDs: flags & 1 != 0, dead: dead, hidden: hidden)
    }
}
