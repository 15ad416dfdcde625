// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

extension ProductQuantizer {
    func write(_ section: SectionKind, to writer: SectionWriter) throws(VecStoreError) {
        if section == .rotation {
            if let rotation { try writer.append(rotation.matrix, 4 * dimension * dimension) }
            return
        }
        for j in 0..<m { try writer.append(part(j).centroids, 4 * k * range(j).count) }
    }

    convenience init(
        _ source: QuantizerSource, _ design: QuantizerDesign.ProductDesign, _ table: KernelTable
    ) throws(VecStoreError) {
        let all = try source.floats(.partCentroids)
        try self.init(dimension: source.dimension, m: design.m, bits: design.bits, table: table)
        for j in 0..<m {
            let part = part(j), values = all.values + k * range(j).lowerBound
            for c in 0..<k
            where !(QuantizerSource.square(values + c * part.dimension, part.dimension) <= QuantizerSource.mostSquare) {
                throw source.corrupt("a centroid that cannot be (number \(c) of part \(j))")
            }
            part.centroids.update(from: values, count: k * part.dimension)
            part.refresh()
        }
        withExtendedLifetime(all.memory) {}
        guard design.isRotated else { return }
        let rotation = try Rotation(dimension: dimension), cells = try source.floats(.rotation)
        for i in 0..<dimension {
            let row = cells.values + i * dimension
            // Room for the rounding of a decomposition.
            guard abs(QuantizerSource.square(row, dimension) - 1) <= 0x1p-6 else {
                throw source.corrupt("a rotation that changes lengths (row \(i))")
            }
            (rotation.matrix + i * dimension).update(from: row, count: dimension)
        }
        withExtendedLifetime(cells.memory) {}
        self.rotation = rotation
    }
}
