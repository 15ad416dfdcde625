// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

extension BinaryQuantizer {
    func write(_ section: SectionKind, to writer: SectionWriter) throws(VecStoreError) {
        try writer.append(center, 4 * dimension)
    }

    convenience init(
        _ source: QuantizerSource, _ design: QuantizerDesign.BinaryDesign, _ table: KernelTable
    ) throws(VecStoreError) {
        let dimension = source.dimension
        try self.init(
            dimension: dimension, bits: design.bits, seed: design.seed, table: table
        ) { (center) throws(VecStoreError) in
            let mean = try source.floats(.mean)
            guard QuantizerSource.square(mean.values, dimension) <= QuantizerSource.mostSquare else {
                throw source.corrupt("a mean of vectors that cannot be")
            }
            center.update(from: mean.values, count: dimension)
            withExtendedLifetime(mean.memory) {}
        }
    }
}
