// SPDX-License-Identifier: Apache-2.0

/// Turns one float32 row into trained 8-bit codes: `code = round((x − low) · inverse)` for each element, from 0 to 255.
/// - Parameters: row, low, inverse (an element each), dimension, codes.
package typealias ScalarEncodeKernel = @convention(c) (
    UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, Int, UnsafeMutablePointer<UInt8>
) -> Void

/// Turns the codes of a row into those of a query: `round(alpha + beta · code)` for each element, from −127 to 127.
/// - Parameters: codes, alpha, beta, gamma (an element each), dimension, query codes.
/// - Returns: Σ gamma · query code.
package typealias ScalarQueryKernel = @convention(c) (
    UnsafePointer<UInt8>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, Int,
    UnsafeMutablePointer<Int8>
) -> Float

/// Σ weight · query code.
/// - Parameters: query codes, weights, dimension.
package typealias ScalarWeighKernel = @convention(c) (UnsafePointer<Int8>, UnsafePointer<Float>, Int) -> Float

/// `offset + weight · Σ code · q` for the rows of codes at the addresses listed; rows to come are prefetched.
/// - Parameters: query codes, addresses, count, dimension, offset, weight, values (count floats).
package typealias ScalarListKernel = @convention(c) (
    UnsafePointer<Int8>, UnsafePointer<UnsafeRawPointer>, Int, Int, Float, Float, UnsafeMutablePointer<Float>
) -> Void

/// Packs codes from 0 to 15 two to a byte: in each block of 64 bytes the low halves are codes 0 to 63 of 128, the high halves
/// codes 64 to 127. Larger codes become 15; what is missing of the last block becomes 0.
/// - Parameters: codes, dimension, packed codes (64 bytes for each 128 codes begun).
package typealias NibblePackKernel = @convention(c) (UnsafePointer<UInt8>, Int, UnsafeMutablePointer<UInt8>) -> Void

/// Kernels over the codes of a trained scalar quantizer, which are unsigned; those of a query are signed.
package struct ScalarCodeKernels: Sendable {
    package let encode: ScalarEncodeKernel
    package let query: ScalarQueryKernel
    package let weigh: ScalarWeighKernel
    package let list: ScalarListKernel
    package let packNibbles: NibblePackKernel
    /// `list` for packed codes. The query has 128 codes for each block, 0 where it has no element.
    package let nibbleList: ScalarListKernel

    package init(
        encode: @escaping ScalarEncodeKernel, query: @escaping ScalarQueryKernel, weigh: @escaping ScalarWeighKernel,
        list: @escaping ScalarListKernel, packNibbles: @escaping NibblePackKernel,
        nibbleList: @escaping ScalarListKernel
    ) {
        self.encode = encode
        self.query = query
        self.weigh = weigh
        self.list = list
        self.packNibbles = packNibbles
        self.nibbleList = nibbleList
    }
}
