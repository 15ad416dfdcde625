// SPDX-License-Identifier: Apache-2.0

/// Sums of one value from each table of a query, chosen by the codes of a row, for the 32 rows of each of some blocks:
/// sums[32 · block + row] = Σ_t tables[16 · t + code]. Exact: no sum of up to 16,384 bytes overflows.
/// - Parameters: codes, bytes from block to block (64 · groups at least), blocks, groups (1 to 4096), tables (64 · groups
///   bytes), sums (32 for each block).
package typealias ListCodeSumKernel = @convention(c) (
    UnsafePointer<UInt8>, Int, Int, Int, UnsafePointer<UInt8>, UnsafeMutablePointer<Int32>
) -> Void

/// The same for the tables of two queries at once: codes are read and taken apart only once.
/// - Parameters: codes, bytes from block to block, blocks, groups, tables of both, sums of both.
package typealias ListCodeTwoSumsKernel = @convention(c) (
    UnsafePointer<UInt8>, Int, Int, Int, UnsafePointer<UInt8>, UnsafePointer<UInt8>, UnsafeMutablePointer<Int32>,
    UnsafeMutablePointer<Int32>
) -> Void

/// What the sums of some blocks say of distances: value[j] = base + offset[j] + factor[j] · (scale · sum[j] + shift). Writes the
/// positions of the values that are at most `limit`, in order, and these values. NaN is never at most.
/// - Parameters: sums (one behind the other), offsets (nil: 0) and factors (nil: 1) of the first block, bytes from those of one
///   block of 32 to those of the next (a multiple of 4), count, scale, shift, base, limit, positions, values. The last two have
///   room for count rounded up to a multiple of 32, and may hold anything behind what was found.
/// - Returns: How many positions were written.
package typealias ListCodeSelectKernel = @convention(c) (
    UnsafePointer<Int32>, UnsafePointer<Float>?, UnsafePointer<Float>?, Int, Int, Float, Float, Float, Float,
    UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<Float>
) -> Int

/// Kernels over codes of 4 bits that lie so that a register holds those of many rows for one table and looks them all up
/// at once ("fast scan": André, Kermarrec, Le Scouarnec, VLDB 2015).
///
/// Rows come in blocks of 32, tables in groups of four: a block has 64 · groups bytes. Those from 16 · t on are for table t:
/// byte i has the code of row i in its low half, the code of row i + 16 in its high half. A table has 16 unsigned bytes;
/// table t begins at 16 · t too. Files have codes in this order: it is the same for every instruction set.
package struct ListCodeKernels: Sendable {
    /// Rows in a block.
    package static let blockRows = 32
    /// Bytes of one group of four tables: those of its codes in a block, and those of the tables themselves.
    package static let groupBytes = 64

    package let sums: ListCodeSumKernel
    package let sums2: ListCodeTwoSumsKernel
    package let select: ListCodeSelectKernel

    package init(
        sums: @escaping ListCodeSumKernel, sums2: @escaping ListCodeTwoSumsKernel,
        select: @escaping ListCodeSelectKernel
    ) {
        self.sums = sums
        self.sums2 = sums2
        self.select = select
    }
}
