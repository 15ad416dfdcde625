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
    ///   - values: 16 floats for each table, or a float for each byte: room.
    ///   - bytes: `shape.querySize`.
    func makeTables(
        _ query: UnsafePointer<Float>, _ values: UnsafeMutablePointer<Float>, _ bytes: UnsafeMutablePointer<UInt8>
    ) -> Tables {
        switch kind {
        case .product(let quantizer):
            for j in 0..<quantizer.m {
                quantizer.part(j).negatedProducts(query + quantizer.range(j).lowerBound, values + 16 * j)
            }
            for i in 0..<(16 * quantizer.m) { values[i] = 0 - values[i] }
        case .binary(_, let rounder):
            if shape.isWide {
                var shift: Float = 0
                for d in 0..<dimension { shift += query[d] }
                values.update(from: query, count: dimension)
                return multiplier(values, bytes, shift: shift / 2, deviation: 1 / UniformSteps.step(bits: rounder.bits))
            }
            let tables = (dimension + 3) / 4
            for t in 0..<tables { ListCodec.signTable(query + 4 * t, min(4, dimension - 4 * t), values + 16 * t) }
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
        return quantize(values, bytes)
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

    /// Σ ±x/2 for all 16 choices of signs: bit j of the number says that x[j] counts as positive.
    private static func signTable(_ x: UnsafePointer<Float>, _ count: Int, _ values: UnsafeMutablePointer<Float>) {
        func element(_ j: Int) -> Float { j < count ? x[j] : 0 }
        let a = element(0) / 2, b = element(1) / 2, c = element(2) / 2, d = element(3) / 2
        let low = SIMD4<Float>(-a - b, a - b, b - a, a + b)
        let high = SIMD4<Float>(-c - d, c - d, d - c, c + d)
        let raw = UnsafeMutableRawPointer(values)
        for i in 0..<4 { raw.storeBytes(of: low + high[i], toByteOffset: 16 * i, as: SIMD4<Float>.self) }
    }

    /// Tables of bytes: each from its least value on, all with one step.
    private func quantize(_ values: UnsafeMutablePointer<Float>, _ bytes: UnsafeMutablePointer<UInt8>) -> Tables {
        let tables = shape.numbers
        let raw = UnsafeMutableRawPointer(values)
        func quarter(_ t: Int, _ i: Int) -> SIMD4<Float> {
            raw.loadUnaligned(fromByteOffset: 64 * t + 16 * i, as: SIMD4<Float>.self)
        }
        var widest: Float = 0, shift: Float = 0
        for t in 0..<tables {
            var low = quarter(t, 0), high = low
            for i in 1..<4 {
                let v = quarter(t, i)
                low = pointwiseMin(low, v)
                high = pointwiseMax(high, v)
            }
            let least = min(min(low[0], low[1]), min(low[2], low[3]))
            let most = max(max(high[0], high[1]), max(high[2], high[3]))
            widest = max(widest, most - least)
            shift += least
            // Of no use any more but this: the entries count from it.
            for i in 0..<4 { raw.storeBytes(of: quarter(t, i) - least, toByteOffset: 64 * t + 16 * i, as: SIMD4<Float>.self) }
        }
        bytes.update(repeating: 0, count: shape.querySize)
        guard widest > 0x1p-100 else { return Tables(scale: 1, shift: shift) }
        let inverse = 255 / widest
        for t in 0..<tables {
            for i in 0..<4 {
                // Adding 2^23 rounds to a whole number, which is then the lowest bits.
                let bits = unsafeBitCast(quarter(t, i) * inverse + 0x1p23, to: SIMD4<UInt32>.self)
                let b = SIMD4<UInt8>(truncatingIfNeeded: bits)
                UnsafeMutableRawPointer(bytes).storeBytes(of: b, toByteOffset: 16 * t + 4 * i, as: SIMD4<UInt8>.self)
            }
        }
        let step = widest / 255
        return Tables(scale: step, shift: shift, spread: step * (Float(tables) / 12).squareRoot())
    }
}
