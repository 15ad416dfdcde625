// SPDX-License-Identifier: Apache-2.0

/// Positions, in order, of the rows that may still be near enough, judged by their codes: those where
/// `scale[j]·product[j] + errorWeight·error[j] − offsetWeight·offset[j] ≥ least`.
/// - Parameters: products, scale, error, offset (read only where offsetWeight is not 0), count, errorWeight,
///   offsetWeight, least, positions (room for count).
/// - Returns: How many positions were written.
package typealias CodeSelectKernel = @convention(c) (
    UnsafePointer<Int32>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, Int, Float, Float, Float,
    UnsafeMutablePointer<UInt32>
) -> Int

/// Turns one float32 row into 8-bit codes: `code = round(x · multiplier) + 128`, from 1 to 255.
/// - Parameters: row, multiplier, dimension, codes.
/// - Returns: Σ (x − (code − 128) / multiplier)², the squared error.
package typealias EncodeKernel = @convention(c) (
    UnsafePointer<Float>, Float, Int, UnsafeMutablePointer<UInt8>
) -> Float

/// The largest |x| of a float32 row.
package typealias LargestKernel = @convention(c) (UnsafePointer<Float>, Int) -> Float

/// Integer products Σ (code − 128)·q of a signed query code with `count` rows of codes, `stride` bytes apart.
/// - Parameters: query code (signed), row codes, stride, count, dimension, products (count values).
package typealias CodeRowsKernel = @convention(c) (
    UnsafePointer<Int8>, UnsafePointer<UInt8>, Int, Int, Int, UnsafeMutablePointer<Int32>
) -> Void

/// Rearranges the codes of some vectors so that four elements of every vector lie side by side, then the next four:
/// what `tile` reads. Elements beyond the dimension are 0, and so are vectors beyond `count`.
/// - Parameters: codes, stride, count, vectors in the panel, dimension, panel.
package typealias PackKernel = @convention(c) (
    UnsafePointer<UInt8>, Int, Int, Int, Int, UnsafeMutablePointer<UInt8>
) -> Void

/// Integer products Σ (code − 128)·q of a panel of `tileQueries` signed query codes with a panel of `tileRows` row codes.
/// - Parameters: query panel, row panel, groups of four elements, 128 × the sum of each query code, products, their
///   stride (in values).
package typealias TileKernel = @convention(c) (
    UnsafePointer<UInt8>, UnsafePointer<UInt8>, Int, UnsafePointer<Int32>, UnsafeMutablePointer<Int32>, Int
) -> Void

/// Kernels over 8-bit codes, which bound distances from below at a quarter of the cost of the distances themselves.
package struct CodeKernels: Sendable {
    /// Whether `tile` is faster than a matrix product of floats: the processor multiplies bytes.
    package let tileIsFast: Bool
    package let tileRows: Int
    package let tileQueries: Int
    package let largest: LargestKernel
    package let encode: EncodeKernel
    package let rows: CodeRowsKernel
    package let pack: PackKernel
    package let tile: TileKernel
    package let select: CodeSelectKernel

    package init(
        tileIsFast: Bool,
        tileRows: Int,
        tileQueries: Int,
        largest: @escaping LargestKernel,
        encode: @escaping EncodeKernel,
        rows: @escaping CodeRowsKernel,
        pack: @escaping PackKernel,
        tile: @escaping TileKernel,
        select: @escaping CodeSelectKernel
    ) {
        self.tileIsFast = tileIsFast
        self.tileRows = tileRows
        self.tileQueries = tileQueries
        self.largest = largest
        self.encode = encode
        self.rows = rows
        self.pack = pack
        self.tile = tile
        self.select = select
    }
}
