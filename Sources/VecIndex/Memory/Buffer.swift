// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Memory that Swift does not manage, so that a lack of it is an answer and not the end of the process.
///
/// Aligned to 64 bytes. Large buffers come straight from the system, in huge pages where it has them, and go back to it
/// at once. The content begins as zeros.
package final class Buffer: @unchecked Sendable {
    // Safety: the class only owns the memory; who writes when is the business of its owner.

    package let base: UnsafeMutableRawPointer
    package let size: Int
    private let isMapped: Bool

    /// From this size on, memory is mapped.
    private static let mappingThreshold = 1 << 20
    private static let sparseThreshold = 1 << 14

    /// For tests: says of a size whether there is to be no memory for it. Set while no other thread is in the library.
    package nonisolated(unsafe) static var isDenied: ((Int) -> Bool)?

    /// - Parameter isSparse: Whether hardly any of it may ever be used: then it has no huge pages, and what is not used takes no
    ///   memory.
    /// - Returns: nil where there is no memory, or `size` is negative.
    package init?(size: Int, isSparse: Bool = false) {
        guard size >= 0, size < Int.max / 2 else { return nil }
        if let isDenied = Buffer.isDenied, isDenied(size) { return nil }
        if size >= (isSparse ? Buffer.sparseThreshold : Buffer.mappingThreshold) {
            let p = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            guard let p, p != MAP_FAILED else { return nil }
            if !isSparse { _ = madvise(p, size, 14 /* MADV_HUGEPAGE, which Glibc does not export to Swift */) }
            base = p
            isMapped = true
        } else {
            var p: UnsafeMutableRawPointer?
            guard posix_memalign(&p, 64, max(size, 64)) == 0, let p else { return nil }
            memset(p, 0, max(size, 64))
            base = p
            isMapped = false
        }
        self.size = size
    }

    deinit {
        if isMapped {
            munmap(base, size)
        } else {
            free(base)
        }
    }

    package func pointer<T>(_: T.Type, at offset: Int = 0) -> UnsafeMutablePointer<T> {
        (base + offset).assumingMemoryBound(to: T.self)
    }
}

/// A buffer of `count` elements, or an error that says what it was for.
package func allocate<T>(
    _: T.Type, _ count: Int, isSparse: Bool = false, for what: @autoclosure () -> String
) throws(VecStoreError) -> Buffer {
    guard let bytes = product(count, MemoryLayout<T>.stride) else {
        throw VecStoreError(.tooLarge, "\(what()): \(count) elements of \(MemoryLayout<T>.stride) bytes overflow")
    }
    guard let buffer = Buffer(size: bytes, isSparse: isSparse) else { throw VecStoreError.outOfMemory(what(), bytes: bytes) }
    return buffer
}
