// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

extension ScalarCodec {
    func write(_ section: SectionKind, to writer: SectionWriter) throws(VecStoreError) {
        try writer.append(quantizer.center, 4 * quantizer.dimension)
        try writer.append(quantizer.step, 4 * quantizer.dimension)
    }

    convenience init(
        _ source: QuantizerSource, _ design: QuantizerDesign.ScalarDesign, _ table: KernelTable
    ) throws(VecStoreError) {
        let ranges = try source.floats(.ranges), dimension = source.dimension
        let centers = ranges.values, steps = centers + dimension
        let half = Float((1 << design.bits) - 1) / 2
        for d in 0..<dimension where !(steps[d] >= ScalarTrainer.leastStep && abs(centers[d]) + half * steps[d] <= 0x1p63) {
            throw source.corrupt("a range of codes that cannot be (element \(d))")
        }
        let quantizer = try ScalarQuantizer(
            dimension: dimension, metric: .l2Squared, levels: 1 << design.bits, center: centers, step: steps)
        withExtendedLifetime(ranges.memory) {}
        self.init(quantizer, bits: design.bits, table: table)
    }
}
