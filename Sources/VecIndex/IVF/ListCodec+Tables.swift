// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

// What a query looks codes up in.
extension ListCodec {
    /// What kernels read of a query: S = scale · sum + shift.
    struct Tables {
        var scale: Float = 1
        var shift: Float = 0
        /// About what S is off by because entries are whole steps.
        var spread: Float = 0
    }

    /// Makes the tables of a query, or its bytes.
    /// - Parameters:
    ///   - query: Turned.
    ///   - values: `shape.queryRoom` floats.
    ///   - bytes: `shape.querySize`, aligned as floats are.
    func makeTables(
        _ query: UnsafePointer<Float>, _ values: UnsafeMutablePointer<Float>, _ bytes: UnsafeMutablePointer<UInt8>
    ) -> Tables {
        switch kind {
        case .product(let quantizer):
            if shape.isWide { return wideTables(quantizer, query, bytes) }
            quantizer.makeTablesOf16(query, values)
        case .binary(_, let rounder):
            if shape.isWide {
                var shift: Float = 0
                for d in 0..<dimension { shift += query[d] }
                values.update(from: query, count: dimension)
                return multiplier(values, bytes, shift: shift / 2, deviation: 1 / UniformSteps.step(bits: rounder.bits))
            }
            let tables = (dimension + 3) / 4
            table.listTables.signs(query, dimension, values)
            for bit in 1..<max(rounder.bits, 1) {
                let weight = Float(1 << bit), plane = values + 16 * tables * bit
                for i in 0..<(16 * tables) { plane[i] = weight * values[i] }
            }
        case .scalar(let grid):
            if shape.isWide {
                var shift: Float = 0
                for d in 0..<dimension {
                    shift += query[d] * (grid.middle[d] + grid.step[d] / 2)
                    values[d] = query[d] * grid.step[d]
                }
                return multiplier(values, bytes, shift: shift, deviation: ListCodec.wideDeviation)
            }
            for d in 0..<dimension {
                for i in 0..<16 { values[16 * d + i] = query[d] * grid.value(d, UInt8(truncatingIfNeeded: i)) }
            }
        }
        var shift: Float = 0
        let widest = table.listTables.round(values, shape.numbers, bytes, &shift)
        guard widest > 0x1p-100 else { return Tables(scale: 1, shift: shift) }
        let step = widest / 255
        return Tables(scale: step, shift: shift, spread: step * (Float(shape.numbers) / 12).squareRoot())
    }

    /// The steps that sums of tables of floats may be: so few that adding 2^23 leaves a sum in the lower bits, rounded.
    private static let wideSteps: Float = 0x1p21

    /// Tables of floats, from 0 on: S = scale · sum + shift.
    private func wideTables(
        _ quantizer: ProductQuantizer, _ query: UnsafePointer<Float>, _ bytes: UnsafeMutablePointer<UInt8>
    ) -> Tables {
        let size = shape.tableSize, count = quantizer.m
        let entries = UnsafeMutableRawPointer(bytes).assumingMemoryBound(to: Float.self)
        // Negated: the largest is the least product.
        quantizer.makeTables(query, metric: .innerProduct, entries)
        var least: Float = 0, range: Float = 0
        for j in 0..<count {
            let table = entries + j * size
            var low = Float.infinity, high = -Float.infinity
            for i in 0..<size {
                low = min(low, table[i])
                high = max(high, table[i])
            }
            least -= high
            range += high - low
            for i in 0..<size { table[i] = high - table[i] }
        }
        // Beyond the range of floats, or nothing to tell rows by.
        guard range > 0x1p-100 && range < 0x1p120 else {
            entries.update(repeating: 0, count: count * size)
            return Tables(scale: 0, shift: least)
        }
        let step = range / ListCodec.wideSteps, inverse = 1 / step
        for i in 0..<(count * size) { entries[i] *= inverse }
        return Tables(scale: step, shift: least)
    }

    /// About the spread of numbers that are bytes of a scalar code.
    private static let wideDeviation: Float = 25

    /// The bytes of a query, less 128 those of numbers: S = Σ weight · (number − 128) + shift.
    /// - Parameter deviation: Of numbers.
    private func multiplier(
        _ weights: UnsafePointer<Float>, _ bytes: UnsafeMutablePointer<UInt8>, shift: Float, deviation: Float
    ) -> Tables {
        let largest = table.codes.largest(weights, dimension)
        guard largest > 0x1p-100 else {
            bytes.update(repeating: 0, count: dimension)
            return Tables(scale: 0, shift: shift)
        }
        // A hair below 127, so that rounding cannot pass it.
        let multiplier: Float = 126.999 / largest
        _ = table.codes.encode(weights, multiplier, dimension, bytes)
        for d in 0..<dimension { bytes[d] ^= 0x80 }
        let step = 1 / multiplier
        return Tables(scale: step, shift: shift, spread: step * deviation * (Float(dimension) / 12).squareRoot())
    }
}
