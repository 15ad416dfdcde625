// SPDX-License-Identifier: Apache-2.0

/// Σ ±x/2 over each four elements, for all 16 choices of signs: bit j of an entry's number says that element j counts as
/// positive. Elements behind the last count as 0.
/// - Parameters: x, dimension, values (16 for each four elements begun).
package typealias SignTablesKernel = @convention(c) (UnsafePointer<Float>, Int, UnsafeMutablePointer<Float>) -> Void

/// Σ x·c over the part of x that a table is for, for all 16 centroids of this part.
/// - Parameters: x, where parts of x begin (one more than there are tables), panels (of the negated centroids of each part: see
///   `SubspaceKernels`), tables, values (16 for each table).
package typealias ProductTablesKernel = @convention(c) (
    UnsafePointer<Float>, UnsafePointer<Int>, UnsafePointer<UnsafePointer<Float>>, Int, UnsafeMutablePointer<Float>
) -> Void

/// Tables of bytes: each counts from its least value on, all in one step, 1/255 of the widest. bytes = round((value − least) /
/// step); 0 where no table is wider than 2^−100, and in what fills up the last group of four.
/// - Parameters: values (16 for each table; they count from the least of their table afterwards), tables (1 at least), bytes
///   (64 for each group), shift (the sum of the least values).
/// - Returns: How wide the widest is.
package typealias RoundTablesKernel = @convention(c) (
    UnsafeMutablePointer<Float>, Int, UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<Float>
) -> Float

/// Kernels that make what `ListCodeKernels` read of a query: tables of 16 entries.
package struct ListTableKernels: Sendable {
    package let signs: SignTablesKernel
    package let products: ProductTablesKernel
    package let round: RoundTablesKernel

    package init(
        signs: @escaping SignTablesKernel, products: @escaping ProductTablesKernel, round: @escaping RoundTablesKernel
    ) {
        self.signs = signs
        self.products = products
        self.round = round
    }
}
