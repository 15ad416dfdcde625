// SPDX-License-Identifier: Apache-2.0

import CVecShims
import VecIndex

/// A file with the values of a field, as they are in memory: what would be read from all payloads otherwise.
enum FieldFile {
    private static let magic: StaticString = "VECFLDF\n"
    private static let version: UInt32 = 1
    private static let prefix = "field-"
    private static let suffix = ".values"

    static func isOne(_ name: String) -> Bool { name.hasPrefix(prefix) && name.hasSuffix(suffix) }

    private static func setting(_ place: Int) -> String { "field_file_\(place)" }

    /// The file that the database names for a field.
    static func name(_ place: Int, _ database: Database) throws(VecStoreError) -> String? {
        try DerivedFile.name(setting(place), database).flatMap { isOne($0) ? $0 : nil }
    }

    /// Names another one, or none.
    static func enter(_ name: String?, _ place: Int, _ database: Database) throws(VecStoreError) {
        try DerivedFile.enter(name, setting(place), database)
    }

    // MARK: - All files

    /// Those that the database names.
    static func names(_ database: Database) throws(VecStoreError) -> [String] {
        let select = try database.statement("SELECT value FROM settings WHERE name GLOB 'field_file_*'")
        defer { select.reset() }
        var names: [String] = []
        while try select.step() {
            let name = select.text(0)
            if isOne(name), !name.contains("/") { names.append(name) }
        }
        return names
    }

    /// Names none any more.
    static func enterNone(_ database: Database) throws(VecStoreError) {
        try database.run("DELETE FROM settings WHERE name GLOB 'field_file_*'")
    }

    // MARK: - One file

    private static func code(_ type: FieldIndexType) -> UInt32 {
        switch type {
        case .text: 0
        case .keyword: 1
        case .integer: 2
        case .float: 3
        case .bool: 4
        case .datetime: 5
        case .geo: 6
        }
    }

    private static func checksum(_ path: String) -> UInt64 {
        var path = path
        return path.withUTF8 { vs_checksum($0.baseAddress, $0.count) }
    }

    /// Writes one under a new name.
    static func write(
        _ loaded: LoadedField, _ field: Field, _ owner: DerivedFile.Owner, sync: Bool
    ) throws(VecStoreError) -> String {
        let name = "\(prefix)\(field.place)-\(DerivedFile.stamp())\(suffix)"
        let file = try AtomicFile("\(owner.directory)/\(name)")
        let writer = try ChecksumWriter(file.file, at: DerivedFile.headerBytes)
        try loaded.write(FieldFileWriter(writer, rowCount: owner.rowCount))
        let header = try DerivedHeader(magic, version: version, owner)
        header.put(code(field.type), 12)
        header.put(UInt64(writer.bytes), 32)
        header.put(checksum(field.name), 56)
        header.put(try writer.finish(), 64)
        try header.write(file.file)
        try file.commit(sync: sync)
        return name
    }

    /// Whether a file says that it is of this state.
    static func isOf(_ name: String, _ field: Field, _ owner: DerivedFile.Owner) -> Bool {
        (try? open(name, field, owner)) != nil
    }

    private static func open(
        _ name: String, _ field: Field, _ owner: DerivedFile.Owner
    ) throws(VecStoreError) -> (file: FileHandle, header: DerivedHeader) {
        let file = try FileHandle.openForReading("\(owner.directory)/\(name)")
        guard let header = try DerivedHeader(file, magic, version: version, owner), header.u32(12) == code(field.type),
            header.u64(56) == checksum(field.name)
        else { throw VecStoreError(.corrupt, "'\(file.path)' is not of this state") }
        return (file, header)
    }

    /// Reads a file.
    /// - Returns: nil where it is not of this state, or cannot be read.
    static func read(_ name: String, _ field: Field, _ owner: DerivedFile.Owner) -> LoadedField? {
        try? readChecked(name, field, owner)
    }

    private static func readChecked(
        _ name: String, _ field: Field, _ owner: DerivedFile.Owner
    ) throws(VecStoreError) -> LoadedField? {
        let (file, header) = try open(name, field, owner)
        guard let bytes = Int(exactly: header.u64(32)), try file.size() - DerivedFile.headerBytes == bytes else { return nil }
        let memory = try allocate(UInt8.self, bytes, for: "the values of a field")
        try file.read(memory.base, bytes, at: DerivedFile.headerBytes)
        guard vs_checksum(memory.base, bytes) == header.u64(64) else { return nil }
        return try LoadedField(field, FieldReader(memory, bytes, rowCount: owner.rowCount))
    }
}
