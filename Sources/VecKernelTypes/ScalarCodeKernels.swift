// SPDX-License-Identifier: Apache-2.0

/// Turns one float32 row into trained 8-bit codes: `code = round((x − low) · inverse)` for each element, from 0 to 255.
/// - Parameters: row, low, inverse (an element each), dimension, codes.
package typealias ScalarEncodeKernel = @convention(c) (
    UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, Int, UnsafeMutablePointer<UInt8>
) -> Void

/// Turns the codes of a row into those of a query: `round(alpha + beta · code)` for each element, from −127 to 127.
/// - Parameters: codes, alpha, beta, gamma (an element each), dimension, query codes.
/// - Returns: Σ gamma · code.
package typealias ScalarQueryKernel = @convention(c) (
    UnsafePointer<UInt8>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, Int,
    UnsafeMutablePointer<Int8>
) -> Float

/// `offset + weight · Σ code · q` for the rows of codes at the addresses listed; rows to come are prefetched.
/// - Parameters: query codes, addresses, count, dimension, offset, weight, values (count floats).
package typealias ScalarListKernel = @convention(c) (
    UnsafePointer<Int8>, UnsafePointer<UnsafeRawPointer>, Int, Int, Float, Float, UnsafeMutablePointer<Float>
) -> Void

/// Kernels over the codes of a trained scalar quantizer, which are unsigned; those of a query are signed.
package struct ScalarCodeKernels: Sendable {
    package let encode: ScalarEncodeKernel
    package let query: ScalarQueryKernel
    package let list: ScalarListKernel

    package init(
        encode: @escaping ScalarEncodeKernel, query: @escaping ScalarQueryKernel, list: @escaping ScalarListKernel
    ) {
        self.encode = encode
        self.query = query
        self.list = list
    }
}
