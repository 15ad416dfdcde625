// SPDX-License-Identifier: Apache-2.0

import CVecShims
import VecIndex

/// A file with the ids of all rows, and which rows are there: what a state takes from the database, in a tenth of the time.
enum IDFile {
    private static let magic: StaticString = "VECIDSF\n"
    private static let version: UInt32 = 1
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

    /// The file that the database names.
    static func name(_ database: Database) throws(VecStoreError) -> String? {
        try DerivedFile.name(setting, database).flatMap { isOne($0) ? $0 : nil }
    }

    /// Names another one, or none.
    static func enter(_ name: String?, _ database: Database) throws(VecStoreError) {
        try DerivedFile.enter(name, setting, database)
    }

    // MARK: - Writing

    /// Writes one under a new name.
    static func write(
        _ content: Content, _ points: PointTable, _ owner: DerivedFile.Owner, sync: Bool
    ) throws(VecStoreError) -> String {
        let name = "\(prefix)\(DerivedFile.stamp())\(suffix)"
        let file = try AtomicFile("\(owner.directory)/\(name)")
        let writer = try ChecksumWriter(file.file, at: DerivedFile.headerBytes)
        try points.forEachPart(owner.rowCount) { (ids, count) throws(VecStoreError) in try writer.append(ids, 8 * count) }
        for set in [content.dead] + content.hidden { if let set { try writer.append(set.words, 8 * set.wordCount) } }
        let header = try DerivedHeader(magic, version: version, owner)
        fill(header, content, checksum: try writer.finish())
        try header.write(file.file)
        try file.commit(sync: sync)
        return name
    }

    private static func fill(_ header: DerivedHeader, _ content: Content, checksum: UInt64) {
        header.put(
            UInt32(content.hasTextIDs ? 1 : 0) | (content.largestID != nil ? 2 : 0) | (content.dead != nil ? 4 : 0), 12)
        header.put(UInt64(content.count), 32)
        header.put(content.largestID ?? 0, 56)
        var own: UInt64 = 0
        for place in content.hidden.indices where content.hidden[place] != nil { own |= 1 << UInt64(place) }
        header.put(own, 64)
        header.put(checksum, 72)
    }

    // MARK: - Reading

    /// Reads a file into the table of ids, which has room for them.
    /// - Parameter vectors: The vectors that points have.
    /// - Returns: nil where it is not of this state, or cannot be read: the table may have anything then.
    static func read(_ name: String, _ points: PointTable, _ owner: DerivedFile.Owner, vectors: Int) -> Content? {
        try? readChecked(name, points, owner, vectors)
    }

    private static func readChecked(
        _ name: String, _ points: PointTable, _ owner: DerivedFile.Owner, _ vectors: Int
    ) throws(VecStoreError) -> Content? {
        let file = try FileHandle.openForReading("\(owner.directory)/\(name)")
        guard let header = try DerivedHeader(file, magic, version: version, owner) else { return nil }
        let flags = header.u32(12), own = header.u64(64)
        guard header.u64(32) <= UInt64(owner.rowCount), vectors == 64 || own < 1 << UInt64(vectors) else { return nil }
        guard let stream = vs_checksum_stream_new() else { return nil }
        defer { vs_checksum_stream_free(stream) }
        var offset = DerivedFile.headerBytes
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
        for place in 0..<vectors { hidden.append(try set(own & 1 << UInt64(place) != 0)) }
        guard try file.size() == offset, vs_checksum_stream_value(stream) == header.u64(72),
            owner.rowCount - (dead?.count ?? 0) == Int(header.u64(32))
        else { return nil }
        return Content(
            count: Int(header.u64(32)), largestID: flags & 2 != 0 ? header.u64(56) : nil, hasTextIDs: flags & 1 != 0,
            dead: dead, hidden: hidden)
    }
}
