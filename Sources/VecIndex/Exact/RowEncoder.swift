// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Makes 8-bit codes of vectors, with a bound on what each code is off by.
///
/// A vector x becomes scale · c with c from −127 to 127 in each element (one scale for each vector), and
/// error ≥ ‖x − scale · c‖. For any query, |q·x − q·(scale · c)| ≤ ‖q‖ · error (Cauchy–Schwarz): that is what lets a scan
/// of codes rule rows out and still be exact.
package struct RowEncoder {
    let table: KernelTable
    let dimension: Int

    /// Below this, elements are taken for zero: their reciprocals would overflow.
    private static let least: Float = 0x1p-80
    /// The most that an error loses to the end of the range of floats: √65,536 elements of 2^-80, or squares that underflow
    /// (65,536 of them, each by at most 2^-149).
    private static let underflow: Float = 0x1p-66

    package init(table: KernelTable, dimension: Int) {
        self.table = table
        self.dimension = dimension
    }

    /// Encodes one vector as unsigned codes, 128 for zero.
    /// - Parameter norm: ‖x‖.
    /// - Returns: scale and error.
    package func encode(
        _ vector: UnsafePointer<Float>, norm: Float, _ codes: UnsafeMutablePointer<UInt8>
    ) -> (scale: Float, error: Float) {
        let largest = table.codes.largest(vector, dimension)
        guard largest > RowEncoder.least else {
            codes.update(repeating: 128, count: dimension)
            return (0, RowEncoder.underflow)
        }
        // A hair below 127, so that rounding cannot reach 128.
        let multiplier: Float = 126.999 / largest
        let squaredError = table.codes.encode(vector, multiplier, dimension, codes)
        // The sum of squares is itself rounded, and so was each difference: 2^-20 of the norm covers both with room.
        let error = squaredError.squareRoot() * (1 + Float(dimension) * 0x1p-22) + norm * 0x1p-20
        return (1 / multiplier, error + RowEncoder.underflow)
    }
}
