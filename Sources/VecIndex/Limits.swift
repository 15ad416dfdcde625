// SPDX-License-Identifier: Apache-2.0

/// The limits of the library, and why they are where they are.
package enum Limits {
    /// Most elements of a vector: sums of 65,536 byte products still fit 32 bits.
    package static let dimension = 65_536
    /// Most results for one query.
    package static let k = 1_048_576
    /// Most rows of one index: a slot has 32 bits.
    package static let rows = Int(UInt32.max) - 1
    /// Most rows of a graph: the 32nd bit of a link has a meaning of its own.
    package static let graphRows = Int(UInt32.max >> 1) - 1
    /// Most threads of one call.
    package static let threads = 1024
    /// Largest Σ x² of a float vector: from here no distance of two such vectors overflows float32.
    package static let squaredNorm: Float = 0x1p125
    /// Least Σ x² of a vector under cosine: below, squares lose bits to the end of the range.
    package static let cosineSquaredNorm: Float = 0x1p-100
    /// Norms below this may have lost bits to underflow of their squares: bounds on rounding take at least this much.
    static let leastNorm: Float = 0x1p-50
}

/// The id of a missing result.
package let noID = UInt64.max

/// a · b · … where it fits an Int; nil otherwise, and where a factor is negative.
package func product(_ factors: Int...) -> Int? {
    var result = 1
    for factor in factors {
        guard factor >= 0 else { return nil }
        let (value, overflow) = result.multipliedReportingOverflow(by: factor)
        if overflow { return nil }
        result = value
    }
    return result
}
