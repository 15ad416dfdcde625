// SPDX-License-Identifier: Apache-2.0

import CVecShims

// What the files of all kinds have in common: sections with checksums, and zeros between them.
extension FileHeader {
    // MARK: - Writing

    /// Writes a file, whole or not at all; `section` appends what belongs into one of a kind.
    /// - Parameter sync: Whether to wait until the disk has it.
    mutating func write(
        to path: String, sync: Bool, _ section: (SectionKind, SectionWriter) throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        let target = try AtomicFile(path)
        let fileSize = layOut()
        try write(target.file, fileSize, section)
        // An index without rows ends with its table; the size must be that of the header all the same.
        if try target.file.size() < fileSize { try target.file.write([UInt8(0)], 1, at: fileSize - 1) }
        try target.commit(sync: sync)
    }

    /// A file in memory, to be a section of another one.
    mutating func image(_ section: (SectionKind, SectionWriter) throws(VecStoreError) -> Void) throws(VecStoreError) -> Buffer {
        let fileSize = layOut()
        let bytes = try allocate(UInt8.self, fileSize, for: "a file in memory")
        bytes.pointer(UInt8.self).update(repeating: 0, count: fileSize)
        try write(bytes, fileSize, section)
        return bytes
    }

    /// Writes the sections where `layOut` has placed them, then what tells of them.
    private mutating func write(
        _ target: any ByteTarget, _ fileSize: Int, _ section: (SectionKind, SectionWriter) throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        for i in sections.indices {
            let writer = try SectionWriter(target, at: sections[i].offset)
            if sections[i].kind == .autoNotes {
                let bytes = notes?.encode() ?? []
                try writer.append(bytes, bytes.count)
            } else {
                try section(sections[i].kind, writer)
            }
            sections[i].checksum = try writer.finish()
        }
        let bytes = encode(fileSize: fileSize)
        try target.write(bytes, bytes.count, at: 0)
    }

    // MARK: - Reading

    /// Reads the header of a file.
    init(_ file: FileHandle) throws(VecStoreError) {
        self = try FileHeader.decode(path: file.path, fileSize: file.size()) { (at, count, out) throws(VecStoreError) in
            try file.read(out, count, at: at)
        }
    }

    /// Reads the header of a file, or of a section that is one.
    init(_ map: MappedFile) throws(VecStoreError) {
        self = try FileHeader.decode(path: map.path, fileSize: map.size, map.read)
    }

    /// Reads a section and checks its bytes.
    func readSection(_ kind: SectionKind, _ file: FileHandle) throws(VecStoreError) -> Buffer {
        guard let section = section(kind) else { throw VecStoreError(.internalError, "the file has no section '\(kind)'") }
        let bytes = try allocate(UInt8.self, section.size, for: "the section '\(kind)' of a file")
        try file.read(bytes.base, section.size, at: section.offset)
        try section.verify(bytes.base, file.path)
        return bytes
    }

    // MARK: - Checking

    /// Checks every byte of a map against its checksums.
    static func verify(_ map: MappedFile) throws(VecStoreError) {
        let header = try FileHeader(map)
        for section in header.sections { try section.verify(map.base + section.offset, map.path) }
        try header.verifyPadding(map.path, map.read)
    }

    /// The bytes between sections are zero: so no byte of a file can change unnoticed.
    func verifyPadding(_ path: String, _ read: Read) throws(VecStoreError) {
        let bytes = try allocate(UInt8.self, FileHeader.alignment, for: "a check")
        var end = size
        for section in sections {
            let gap = section.offset - end
            try read(end, gap, bytes.base)
            for i in 0..<gap where bytes.pointer(UInt8.self)[i] != 0 {
                throw VecStoreError(.corrupt, "'\(path)' is damaged: byte \(end + i) between its sections is not 0")
            }
            end = section.offset + section.size
        }
    }
}

extension FileHeader.Section {
    /// Checks the bytes of this section.
    func verify(_ bytes: UnsafeRawPointer, _ path: String) throws(VecStoreError) {
        guard vs_checksum(bytes, size) == checksum else {
            throw VecStoreError(.corrupt, "'\(path)' is damaged: the checksum of its section '\(kind)' is wrong")
        }
    }
}
