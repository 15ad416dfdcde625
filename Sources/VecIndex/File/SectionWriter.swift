// SPDX-License-Identifier: Apache-2.0

import CVecShims

/// What sections are written to: a file, or the memory for one.
protocol ByteTarget: AnyObject {
    func write(_ source: UnsafeRawPointer, _ count: Int, at offset: Int) throws(VecStoreError)
}

extension FileHandle: ByteTarget {}

extension Buffer: ByteTarget {
    func write(_ source: UnsafeRawPointer, _ count: Int, at offset: Int) throws(VecStoreError) {
        guard offset + count <= size else { throw VecStoreError(.internalError, "a section is longer than its file") }
        (base + offset).copyMemory(from: source, byteCount: count)
    }
}

/// Writes one section of a file, gathers small pieces, and sums them up.
final class SectionWriter {
    private let file: any ByteTarget
    private var offset: Int
    private let buffer: Buffer
    private var used = 0
    private let stream: OpaquePointer

    init(_ file: any ByteTarget, at offset: Int) throws(VecStoreError) {
        self.file = file
        self.offset = offset
        buffer = try allocate(UInt8.self, 1 << 18, for: "a write buffer")
        guard let stream = vs_checksum_stream_new() else { throw VecStoreError.outOfMemory("a checksum", bytes: 1024) }
        self.stream = stream
    }

    deinit { vs_checksum_stream_free(stream) }

    func append(_ bytes: UnsafeRawPointer, _ count: Int) throws(VecStoreError) {
        vs_checksum_stream_add(stream, bytes, count)
        if used + count > buffer.size { try flush() }
        if count > buffer.size {
            try file.write(bytes, count, at: offset)
            offset += count
        } else {
            (buffer.base + used).copyMemory(from: bytes, byteCount: count)
            used += count
        }
    }

    private func flush() throws(VecStoreError) {
        try file.write(buffer.base, used, at: offset)
        offset += used
        used = 0
    }

    /// Writes what is left. Returns the checksum of the section.
    func finish() throws(VecStoreError) -> UInt64 {
        try flush()
        return vs_checksum_stream_value(stream)
    }
}
