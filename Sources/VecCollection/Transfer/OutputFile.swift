// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// A new file that is written from its beginning to its end, in pieces.
final class OutputFile {
    private let file: AtomicFile
    private var pending: [UInt8] = []
    private var written = 0

    private static let piece = 1 << 20

    init(_ path: String) throws(VecStoreError) { file = try AtomicFile(path) }

    func write(_ bytes: some Collection<UInt8>) throws(VecStoreError) {
        pending += bytes
        if pending.count >= OutputFile.piece { try flush() }
    }

    private func flush() throws(VecStoreError) {
        try store(pending, at: written)
        written += pending.count
        pending.removeAll(keepingCapacity: true)
    }

    private func store(_ bytes: [UInt8], at offset: Int) throws(VecStoreError) {
        try bytes.withUnsafeBufferPointer { raw throws(VecStoreError) in
            if let base = raw.baseAddress { try file.file.write(base, raw.count, at: offset) }
        }
    }

    /// Writes over the beginning, and puts the file in its place.
    func commit(beginning: [UInt8] = []) throws(VecStoreError) {
        try flush()
        try store(beginning, at: 0)
        try file.commit(sync: true)
    }
}
