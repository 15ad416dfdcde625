// SPDX-License-Identifier: Apache-2.0

import Synchronization
import VecKernelTypes

/// Rows in memory of somebody else, of which an index keeps no copy: the row with the id i lies i strides behind the first.
///
/// Rows are only ever appended, and none changes or moves: an index holds codes and norms of them, and links by how far they
/// are from each other.
package final class ExternalRows: @unchecked Sendable {
    // Safety: rows up to the count are never written to; the count only grows, and is raised after the rows are there.

    package let dimension: Int
    package let type: ElementType
    package var stride: Int { view.stride }
    let view: View
    private let memory: Buffer
    private let owner: AnyObject

    /// What it takes to find a row, for those who keep the object alive: counting references costs as much as looking a row up.
    struct View {
        fileprivate let base: UnsafeRawPointer
        fileprivate let stride: Int
        fileprivate let rowCount: UnsafeMutablePointer<Atomic<Int>>

        /// The row with an id; nil where there is none.
        @inline(__always)
        func row(_ id: UInt64) -> UnsafeRawPointer? {
            let count = rowCount.pointee.load(ordering: .acquiring)
            guard id < UInt64(truncatingIfNeeded: count) else { return nil }
            return base + Int(truncatingIfNeeded: id) &* stride
        }
    }

    /// - Parameters:
    ///   - base: Of the first row; on a boundary of an element. Stays where it is, whatever the count grows to.
    ///   - stride: Bytes from row to row, a multiple of the size of an element; nil: rows lie dense.
    ///   - count: Rows that are there.
    ///   - owner: Kept alive as long as somebody may read the rows.
    package init(
        _ base: UnsafeRawPointer, type: ElementType, dimension: Int, stride: Int? = nil, count: Int, owner: AnyObject
    ) throws(VecStoreError) {
        guard dimension >= 1 && dimension <= Limits.dimension else {
            throw VecStoreError(.invalidArgument, "dim is \(dimension): allowed is 1 to \(Limits.dimension)")
        }
        let size = type.rowSize(dimension), element = type.rowSize(1)
        let stride = stride ?? size
        guard stride >= size, stride % element == 0, Int(bitPattern: base) % element == 0 else {
            throw VecStoreError(
                .invalidArgument,
                "rows of \(size) bytes lie \(stride) apart: allowed are \(size) and more, on boundaries of \(element) bytes"
            )
        }
        self.type = type
        self.dimension = dimension
        self.owner = owner
        memory = try allocate(Int.self, 1, for: "the number of rows")
        view = View(base: base, stride: stride, rowCount: memory.base.assumingMemoryBound(to: Atomic<Int>.self))
        try grow(to: count)
    }

    /// Rows that are there.
    package var count: Int { view.rowCount.pointee.load(ordering: .acquiring) }

    /// Says that there are more rows now; fewer than there were change nothing.
    package func grow(to count: Int) throws(VecStoreError) {
        guard count >= 0, product(count, stride) != nil else {
            throw VecStoreError(.invalidArgument, "\(count) rows of \(stride) bytes: no memory holds them")
        }
        view.rowCount.pointee.max(count, ordering: .acquiringAndReleasing)
    }

    /// The row with an id; nil where there is none.
    func row(_ id: UInt64) -> UnsafeRawPointer? { view.row(id) }
}
