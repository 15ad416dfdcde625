// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A file in the address space, to be read only.
final class MappedFile: @unchecked Sendable {
    // Safety: never written to.

    let base: UnsafeRawPointer
    let size: Int
    let path: String
    /// The map that this is a part of; nil for a whole file.
    private let whole: MappedFile?

    init(_ file: FileHandle) throws(VecStoreError) {
        size = try file.size()
        path = file.path
        guard size > 0 else { throw VecStoreError(.corrupt, "'\(file.path)' is empty: it is not a vecstore file") }
        let p = mmap(nil, size, PROT_READ, MAP_SHARED, file.descriptor, 0)
        guard let p, p != MAP_FAILED else { throw systemError("map", file.path) }
        base = UnsafeRawPointer(p)
        whole = nil
    }

    /// A part of a map that is a file itself.
    init(_ whole: MappedFile, at offset: Int, _ size: Int) {
        self.whole = whole
        self.size = size
        path = whole.path
        base = whole.base + offset
    }

    deinit { if whole == nil { munmap(UnsafeMutableRawPointer(mutating: base), size) } }

    /// Copies some bytes.
    func read(_ offset: Int, _ count: Int, _ target: UnsafeMutableRawPointer) throws(VecStoreError) {
        target.copyMemory(from: base + offset, byteCount: count)
    }

    /// Asks for all pages and waits until they are there.
    func prefault() {
        _ = madvise(UnsafeMutableRawPointer(mutating: base), size, Int32(MADV_WILLNEED))
        var sum: UInt8 = 0
        var i = 0
        while i < size {
            sum ^= (base + i).load(as: UInt8.self)
            i += 4096
        }
        withExtendedLifetime(sum) {}
    }

    /// Gives back the memory of some bytes that have been copied: they are read anew where somebody wants them again.
    func release(_ bytes: UnsafeRawPointer, _ count: Int) {
        let page = 4096
        let from = (bytes - base + page - 1) / page * page, end = (bytes - base + count) / page * page
        if end > from { _ = madvise(UnsafeMutableRawPointer(mutating: base + from), end - from, Int32(MADV_DONTNEED)) }
    }
}
