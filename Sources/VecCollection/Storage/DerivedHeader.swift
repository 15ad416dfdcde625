// SPDX-License-Identifier: Apache-2.0

import CVecShims
import VecIndex

/// The header of a derived file: what it is, and which state it is good for. What else it says is put where that leaves room.
struct DerivedHeader {
    private let memory: Buffer
    private static let bytes = DerivedFile.headerBytes

    /// An empty one.
    init(_ magic: StaticString, version: UInt32, _ owner: DerivedFile.Owner) throws(VecStoreError) {
        memory = try allocate(UInt8.self, DerivedHeader.bytes, for: "the header of a file")
        magic.withUTF8Buffer { for (i, byte) in $0.prefix(8).enumerated() { put(byte, i) } }
        put(version, 8)
        put(owner.changes, 16)
        put(UInt64(owner.rowCount), 24)
        put(owner.uuid.high, 40)
        put(owner.uuid.low, 48)
    }

    /// That of a file, where it is of this kind, of this version, and has what the owner has.
    init?(_ file: FileHandle, _ magic: StaticString, version: UInt32, _ owner: DerivedFile.Owner) throws(VecStoreError) {
        let wanted = try DerivedHeader(magic, version: version, owner)
        memory = try allocate(UInt8.self, DerivedHeader.bytes, for: "the header of a file")
        try file.read(memory.base, DerivedHeader.bytes, at: 0)
        guard u64(DerivedHeader.bytes - 8) == vs_checksum(memory.base, DerivedHeader.bytes - 8),
            [0, 16, 24, 40, 48].allSatisfy({ u64($0) == wanted.u64($0) }), u32(8) == version
        else { return nil }
    }

    func put<I: FixedWidthInteger>(_ value: I, _ at: Int) {
        memory.base.storeBytes(of: value.littleEndian, toByteOffset: at, as: I.self)
    }

    func u64(_ at: Int) -> UInt64 { UInt64(littleEndian: memory.base.load(fromByteOffset: at, as: UInt64.self)) }
    func u32(_ at: Int) -> UInt32 { UInt32(littleEndian: memory.base.load(fromByteOffset: at, as: UInt32.self)) }

    func write(_ file: FileHandle) throws(VecStoreError) {
        put(vs_checksum(memory.base, DerivedHeader.bytes - 8), DerivedHeader.bytes - 8)
        try file.write(memory.base, DerivedHeader.bytes, at: 0)
    }
}
