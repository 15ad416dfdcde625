// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

// Making codes of rows.
extension ListCodec {
    /// Room for some rows of one list at work. One thread uses it.
    struct Scratch {
        /// Rows that are taken at a time at most.
        static let mostRows = 64

        let rows: Int
        private let codec: ListCodec
        private let memory: Buffer
        private let residuals: UnsafeMutablePointer<Float>
        fileprivate let turned: UnsafeMutablePointer<Float>
        let center: UnsafeMutablePointer<Float>
        /// The center, rotated.
        fileprivate let turnedCenter: UnsafeMutablePointer<Float>
        fileprivate let value: UnsafeMutablePointer<Float>
        fileprivate let numberBytes: UnsafeMutablePointer<UInt8>
        fileprivate let wide: UnsafeMutablePointer<UInt16>
        fileprivate let narrow: UnsafeMutablePointer<UInt8>
        /// What lists keep of each row beside its numbers.
        let offsets: UnsafeMutablePointer<Float>
        let factors: UnsafeMutablePointer<Float>

        /// - Parameter count: Rows that there will be.
        init(_ codec: ListCodec, count: Int) throws(VecStoreError) {
            self.codec = codec
            rows = min(max(count, 1), Scratch.mostRows)
            let dimension = codec.dimension, numbers = codec.shape.numbers
            var layout = Layout()
            let residualsAt = layout.add(Float.self, rows * dimension)
            let turnedAt = layout.add(Float.self, rows * dimension)
            let vectorsAt = layout.add(Float.self, 3 * dimension)
            let numbersAt = layout.add(UInt8.self, rows * numbers)
            let wideAt = layout.add(UInt16.self, rows * numbers)
            let narrowAt = layout.add(UInt8.self, dimension)
            let offsetsAt = layout.add(Float.self, 2 * rows)
            memory = try allocate(UInt8.self, layout.size, for: "the codes of \(rows) rows")
            residuals = memory.pointer(Float.self, at: residualsAt)
            turned = memory.pointer(Float.self, at: turnedAt)
            center = memory.pointer(Float.self, at: vectorsAt)
            turnedCenter = center + dimension
            value = turnedCenter + dimension
            numberBytes = memory.pointer(UInt8.self, at: numbersAt)
            wide = memory.pointer(UInt16.self, at: wideAt)
            narrow = memory.pointer(UInt8.self, at: narrowAt)
            offsets = memory.pointer(Float.self, at: offsetsAt)
            factors = offsets + rows
        }

        /// Row i, which a caller writes before it is encoded; its residual after that.
        func row(_ i: Int) -> UnsafeMutablePointer<Float> { residuals + i * codec.dimension }
        /// The residual of row i as codes are made of it.
        func turned(_ i: Int) -> UnsafeMutablePointer<Float> { turned + i * codec.dimension }
        /// The numbers of row i.
        func numbers(_ i: Int) -> UnsafeMutablePointer<UInt8> { numberBytes + i * codec.shape.numbers }
    }

    /// Prepares for rows of a list: its center.
    func begin(_ model: IVFModel, _ list: Int, _ scratch: Scratch) throws(VecStoreError) {
        let c = model.centroids.row(list), radius = model.radii[list]
        for d in 0..<dimension { scratch.center[d] = radius * c[d] }
        try turn(scratch.center, 1, scratch.turnedCenter)
    }

    /// Prepares for residuals that are given as they are.
    func beginWithoutCenter(_ scratch: Scratch) {
        scratch.center.update(repeating: 0, count: dimension)
        scratch.turnedCenter.update(repeating: 0, count: dimension)
    }

    /// Makes the codes of the first `count` rows of the list that was begun.
    func encode(_ count: Int, _ scratch: Scratch) throws(VecStoreError) {
        for i in 0..<count {
            let r = scratch.row(i)
            for d in 0..<dimension { r[d] -= scratch.center[d] }
        }
        try turn(scratch.row(0), count, scratch.turned)
        if case .product(let quantizer) = kind {
            try quantizer.number(scratch.turned, count, scratch.wide)
        }
        for i in 0..<count {
            makeNumbers(i, count, scratch)
            value(scratch.numbers(i), scratch.value)
            let square = product(scratch.row(i), scratch.row(i)), along = product(scratch.row(i), scratch.center)
            let f = scale(square, product(scratch.value, scratch.turned(i)))
            let shared = f * product(scratch.value, scratch.turnedCenter)
            scratch.offsets[i] = metric == .l2Squared ? square + 2 * shared : shared - along
            scratch.factors[i] = metric == .l2Squared ? -2 * f : 0 - f
        }
    }

    private func makeNumbers(_ i: Int, _ count: Int, _ scratch: Scratch) {
        let numbers = scratch.numbers(i), turned = scratch.turned(i)
        switch kind {
        case .product(let quantizer):
            for j in 0..<quantizer.m { numbers[j] = UInt8(truncatingIfNeeded: scratch.wide[j * count + i]) }
        case .binary(_, let rounder):
            if shape.isWide {
                rounder.round(turned, numbers)
            } else {
                rounder.round(turned, scratch.narrow)
                spreadBits(scratch.narrow, bits: rounder.bits, numbers)
            }
        case .scalar(let grid): grid.number(turned, numbers, table)
        }
    }

    /// The bits of one weight of four elements as one number, and those of the next weight behind all of them.
    private func spreadBits(_ narrow: UnsafePointer<UInt8>, bits: Int, _ numbers: UnsafeMutablePointer<UInt8>) {
        numbers.update(repeating: 0, count: shape.numbers)
        let tables = (dimension + 3) / 4
        for d in 0..<dimension {
            let place = UInt8(truncatingIfNeeded: d & 3)
            for bit in 0..<bits {
                numbers[bit &* tables &+ d >> 2] |= (narrow[d] &>> UInt8(truncatingIfNeeded: bit) & 1) &<< place
            }
        }
    }

    func product(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>) -> Float {
        guard let kernels = table.distance(.innerProduct, .float32) else { return 0 }
        return 0 - kernels.pair(a, b, dimension)
    }
}
