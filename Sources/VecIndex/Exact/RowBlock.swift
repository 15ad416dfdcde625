// SPDX-License-Identifier: Apache-2.0

/// Rows that lie side by side, with what is known of them. A view: the owner of the memory outlives it.
package struct RowBlock: @unchecked Sendable {
    // Safety: published rows and columns do not change.

    package var rows: UnsafeRawPointer
    /// Bytes from row to row.
    package var stride: Int
    package var count: Int
    /// The ids of the rows; nil where row j has the id `firstID` + j.
    package var ids: UnsafePointer<UInt64>?
    package var firstID: UInt64 = 0
    /// Σ x² of each row; kept for L2 and inner product.
    package var squaredNorms: UnsafePointer<Float>?
    /// 1 / ‖x‖ of each row; kept for cosine.
    package var inverseNorms: UnsafePointer<Double>?
    package var codes: RowCodes?
    /// How to check the rows, where nobody has: memory of a caller's.
    package var check: VectorCheck?
    /// Bit j set: row j may be a result. nil: all may.
    package var wanted: UnsafePointer<UInt8>?
    /// Bits set in `wanted`; `count` where it is nil.
    package var wantedCount: Int

    package init(rows: UnsafeRawPointer, stride: Int, count: Int) {
        self.rows = rows
        self.stride = stride
        self.count = count
        wantedCount = count
    }

    @inline(__always)
    package func id(_ j: Int) -> UInt64 {
        if let ids { ids[j] } else { firstID &+ UInt64(truncatingIfNeeded: j) }
    }

    @inline(__always)
    package func isWanted(_ j: Int) -> Bool {
        guard let wanted else { return true }
        return wanted[j >> 3] & (1 << UInt8(truncatingIfNeeded: j & 7)) != 0
    }
}

/// 8-bit copies of the rows of a block (for cosine: of the rows scaled to norm 1).
package struct RowCodes: @unchecked Sendable {
    // Safety: as for the block.

    /// `dimension` bytes for each row.
    package var codes: UnsafePointer<UInt8>
    /// x ≈ scale · (code − 128)
    package var scale: UnsafePointer<Float>
    /// At least ‖x − scale · (code − 128)‖.
    package var error: UnsafePointer<Float>
}
