// SPDX-License-Identifier: Apache-2.0

import CVecShims
import VecIndex

/// Writes parts of a file one after the other, and makes their checksum.
final class ChecksumWriter {
    private let file: FileHandle
    private let start: Int
    private let stream: OpaquePointer
    /// Small parts go to the file together.
    private let waiting: Buffer
    private var waitingBytes = 0
    private var writtenBytes = 0

    private static let most = 1 << 16

    init(_ file: FileHandle, at start: Int) throws(VecStoreError) {
        self.file = file
        self.start = start
        waiting = try allocate(UInt8.self, ChecksumWriter.most, for: "what is to be written")
        guard let stream = vs_checksum_stream_new() else { throw VecStoreError.outOfMemory("a checksum", bytes: 1024) }
        self.stream = stream
    }

    deinit { vs_checksum_stream_free(stream) }

    /// Bytes that came.
    var bytes: Int { writtenBytes + waitingBytes }

    func append(_ source: UnsafeRawPointer, _ count: Int) throws(VecStoreError) {
        vs_checksum_stream_add(stream, source, count)
        if waitingBytes + count > ChecksumWriter.most { try flush() }
        if count > ChecksumWriter.most {
            try file.write(source, count, at: start + writtenBytes)
            writtenBytes += count
        } else {
            (waiting.base + waitingBytes).copyMemory(from: source, byteCount: count)
            waitingBytes += count
        }
    }

    private func flush() throws(VecStoreError) {
        try file.write(waiting.base, waitingBytes, at: start + writtenBytes)
        writtenBytes += waitingBytes
        waitingBytes = 0
    }

    /// After the last part.
    /// - Returns: The checksum of all.
    func finish() throws(VecStoreError) -> UInt64 {
        try flush()
        return vs_checksum_stream_value(stream)
    }
}
