// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Memory for the codes of some rows, with their scales and errors.
package struct CodeColumns {
    package let memory: Buffer
    private let scaleOffset: Int
    private let errorOffset: Int

    package init(rows: Int, dimension: Int) throws(VecStoreError) {
        guard let bytes = product(rows, dimension), let all = product(rows, dimension + 8), all < Int.max / 4 else {
            throw VecStoreError(.tooLarge, "the codes of \(rows) rows of dim \(dimension) overflow")
        }
        var layout = Layout()
        _ = layout.add(UInt8.self, bytes)
        scaleOffset = layout.add(Float.self, rows)
        errorOffset = layout.add(Float.self, rows)
        memory = try allocate(UInt8.self, layout.size, for: "the codes of \(rows) rows")
    }

    package var codes: RowCodes {
        RowCodes(
            codes: UnsafePointer(memory.pointer(UInt8.self)),
            scale: UnsafePointer(memory.pointer(Float.self, at: scaleOffset)),
            error: UnsafePointer(memory.pointer(Float.self, at: errorOffset)))
    }

    /// Encodes `count` rows of a float type into places `at` and on; for cosine, scaled to norm 1.
    package func encode(
        _ rows: UnsafeRawPointer, at first: Int, count: Int, _ context: ScanContext, squares: UnsafePointer<Float>
    ) throws(VecStoreError) {
        let encoder = try FloatRowEncoder(context)
        let codes = memory.pointer(UInt8.self)
        let scale = memory.pointer(Float.self, at: scaleOffset)
        let error = memory.pointer(Float.self, at: errorOffset)
        for j in 0..<count {
            let made = encoder.encode(
                rows + j * context.rowSize, squaredNorm: squares[j], codes + (first + j) * context.dimension)
            scale[first + j] = made.scale
            error[first + j] = made.error
        }
    }
}
