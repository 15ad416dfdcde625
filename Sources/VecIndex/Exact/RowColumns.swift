// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// What is kept beside rows so that comparing them takes less: norms, and 8-bit codes. A view: the owner of the memory outlives it.
struct RowColumns: @unchecked Sendable {
    // Safety: places that readers know of do not change.

    var squaredNorms: UnsafeMutablePointer<Float>?
    var inverseNorms: UnsafeMutablePointer<Double>?
    var codes: UnsafeMutablePointer<UInt8>?
    var codeScale: UnsafeMutablePointer<Float>?
    var codeError: UnsafeMutablePointer<Float>?

    /// Writes what belongs to some rows.
    /// - Parameters:
    ///   - rows: The first row of the range.
    ///   - squares: Σ x² of each.
    func describe(
        _ range: Range<Int>, _ rows: UnsafeRawPointer, stride: Int, squares: UnsafePointer<Float>, _ context: ScanContext
    ) throws(VecStoreError) {
        if let squaredNorms { (squaredNorms + range.lowerBound).update(from: squares, count: range.count) }
        if let inverseNorms {
            for j in 0..<range.count { inverseNorms[range.lowerBound + j] = 1 / Double(squares[j]).squareRoot() }
        }
        guard let codes, let codeScale, let codeError else { return }
        let encoder = try FloatRowEncoder(context)
        for j in 0..<range.count {
            let place = range.lowerBound + j
            let made = encoder.encode(
                rows + j * stride, squaredNorm: squares[j], codes + place * context.dimension)
            codeScale[place] = made.scale
            codeError[place] = made.error
        }
    }
}
