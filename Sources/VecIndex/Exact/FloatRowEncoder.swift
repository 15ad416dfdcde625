// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Encodes rows of any float type; for cosine, scaled to norm 1. Has a scratch row of its own: one for each thread.
struct FloatRowEncoder {
    private let context: ScanContext
    private let encoder: RowEncoder
    private let row: Buffer

    init(_ context: ScanContext) throws(VecStoreError) {
        self.context = context
        encoder = RowEncoder(table: context.table, dimension: context.dimension)
        row = try allocate(Float.self, context.dimension, for: "a row")
    }

    func encode(
        _ source: UnsafeRawPointer, squaredNorm: Float, _ codes: UnsafeMutablePointer<UInt8>
    ) -> (scale: Float, error: Float) {
        convertToFloat32(source, context.type, row.base, context.dimension, context.table)
        let floats = row.pointer(Float.self)
        var norm = squaredNorm.squareRoot()
        if context.metric == .cosine {
            let inverse = 1 / norm
            for d in 0..<context.dimension { floats[d] *= inverse }
            norm = 1
        }
        return encoder.encode(floats, norm: norm, codes)
    }
}
