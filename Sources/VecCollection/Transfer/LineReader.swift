// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// Reads a file line by line. Lines end with a line feed, or a carriage return and one; the last one need not.
final class LineReader {
    let path: String
    /// Bytes of the file.
    let size: Int
    /// Of the line that was read last, from 1.
    private(set) var number = 0
    /// Bytes of the lines that were read.
    private(set) var position = 0

    private let file: FileHandle
    private var memory: Buffer
    /// What is in memory of the file and no line yet.
    private var start = 0
    private var end = 0
    /// Bytes of the file that were read into memory.
    private var loaded = 0

    /// Longer lines than the largest payload and the largest vectors make are refused.
    static let mostBytes = 128 << 20
    private static let piece = 1 << 20

    init(_ path: String) throws(VecStoreError) {
        self.path = path
        file = try FileHandle.openForReading(path)
        size = try file.size()
        memory = try allocate(UInt8.self, LineReader.piece, for: "a line of '\(path)'")
        // A mark that some programs put before UTF-8.
        try load()
        let bytes = memory.pointer(UInt8.self)
        if end >= 3 && bytes[0] == 0xef && bytes[1] == 0xbb && bytes[2] == 0xbf {
            start = 3
            position = 3
        }
    }

    /// The next line, without its end; nil after the last. It stays until the next call.
    func next() throws(VecStoreError) -> UnsafeBufferPointer<UInt8>? {
        var searched = start
        while true {
            let bytes = memory.pointer(UInt8.self)
            if let found = memchr(bytes + searched, 10, end - searched) {
                return take(UnsafeMutablePointer(found.assumingMemoryBound(to: UInt8.self)) - bytes, endBytes: 1)
            }
            if loaded == size {
                if start == end { return nil }
                return take(end, endBytes: 0)
            }
            let known = end - start
            try load()
            searched = start + known
        }
    }

    private func take(_ lineEnd: Int, endBytes: Int) -> UnsafeBufferPointer<UInt8> {
        let bytes = memory.pointer(UInt8.self)
        var count = lineEnd - start
        position += count + endBytes
        number += 1
        let line = bytes + start
        start = lineEnd + endBytes
        if count > 0 && line[count - 1] == 13 { count -= 1 }
        return UnsafeBufferPointer(start: line, count: count)
    }

    /// Reads more of the file behind what is in memory.
    private func load() throws(VecStoreError) {
        let held = end - start
        guard held <= LineReader.mostBytes else {
            throw VecStoreError(
                .tooLarge, "line \(number + 1) of '\(path)' has more than \(LineReader.mostBytes) bytes, which no point needs")
        }
        if held > memory.size / 2 {
            let larger = try allocate(UInt8.self, memory.size * 2, for: "a line of '\(path)'")
            larger.base.copyMemory(from: memory.base + start, byteCount: held)
            memory = larger
        } else if start > 0 {
            memmove(memory.base, memory.base + start, held)
        }
        start = 0
        end = held
        let part = min(memory.size - end, size - loaded)
        try file.read(memory.base + end, part, at: loaded)
        end += part
        loaded += part
    }
}
