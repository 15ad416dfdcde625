// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes
import VecKernels

/// Codes of 4-bit numbers for the rows of lists, each of which chooses an entry of a table that a query makes: with 16 entries
/// of a byte a table fits a register (André, Kermarrec, Le Scouarnec: Cache locality is not enough, 2015).
///
/// A row x in a list with the center c has the residual r = x − c, and its code stands for r̂ = f · v. For any query q,
/// q·x = q·c + c·r + (q − c)·r, where the last product alone is estimated, as (q − c)·r̂ = q·r̂ − c·r̂. So with the sum S = q·v
/// of table entries an estimate is base(query, list) + offset(row) + factor(row) · S:
///
///     l2sq:       ‖q − c‖² + (‖r‖² + 2·c·r̂) − 2·f·S
///     ip, cosine: −q·c (+ 1) + (c·r̂ − c·r) − f·S
///
/// The scale f = ‖r‖² / (v·r) makes the estimate right for queries along r, where those are that x is near to: v alone says
/// too little along r, the more the shorter codes are, and near rows would be estimated farther than they are.
///
/// - `pq`: v has a centroid of 16 in each part (Jégou, Douze, Schmid, 2011).
/// - `binary`: v = Rᵀ·s with the signs s = ±½ of R·r, where R is a random rotation: so the estimate is right on average for any
///   query (Gao, Long: RaBitQ, arXiv 2405.12497). Four signs are a number.
final class ListCodec: @unchecked Sendable {
    // Safety: immutable once training is done.

    enum Kind {
        case product(ProductQuantizer)
        case binary(FastRotation)
    }

    let kind: Kind
    let dimension: Int
    let metric: Metric
    /// Tables in use: one for each number of a code.
    let tables: Int
    let groups: Int
    /// An estimate is off by about this times ‖q − c‖ times the row's factor.
    let spread: Float
    /// The spread of product codes, as it was measured in training; 0 for `binary`, whose spread is known.
    let error: Float

    /// Product codes are not stretched by more than this.
    private static let mostStretch: Float = 4
    /// What sums of bytes leave room for.
    static let mostTables = 16_384

    /// - Parameter error: Unused for `binary`.
    init(_ kind: Kind, dimension: Int, metric: Metric, error: Float) {
        self.kind = kind
        self.dimension = dimension
        self.metric = metric
        self.error = error
        switch kind {
        case .product(let quantizer):
            tables = quantizer.m
            spread = error
        case .binary:
            tables = (dimension + 3) / 4
            // ‖r‖·√(1 − cos²) / cos / √n in units of f = 2‖r‖ / (cos·√n), with the expected cos² = 2/π.
            spread = 0.5 * (1 - 2 / Float.pi).squareRoot()
        }
        groups = (tables + 3) / 4
    }

    var bytes: Int {
        switch kind {
        case .product(let quantizer): 4 * 16 * dimension + quantizer.m * 64
        case .binary: 0
        }
    }

    // MARK: - Coding

    /// Room for rows at work.
    struct Scratch {
        let memory: Buffer
        let residual: UnsafeMutablePointer<Float>
        let rotated: UnsafeMutablePointer<Float>
        let center: UnsafeMutablePointer<Float>
        /// The center, rotated.
        let turned: UnsafeMutablePointer<Float>
        let numbers: UnsafeMutablePointer<UInt8>
        let wide: UnsafeMutablePointer<UInt16>
        fileprivate let decoded: UnsafeMutablePointer<Float>

        init(_ codec: ListCodec) throws(VecStoreError) {
            var layout = Layout()
            let at = (0..<5).map { _ in layout.add(Float.self, codec.dimension) }
            let numbersAt = layout.add(UInt8.self, 4 * codec.groups)
            let wideAt = layout.add(UInt16.self, codec.tables)
            memory = try allocate(UInt8.self, layout.size, for: "a code")
            residual = memory.pointer(Float.self, at: at[0])
            rotated = memory.pointer(Float.self, at: at[1])
            center = memory.pointer(Float.self, at: at[2])
            turned = memory.pointer(Float.self, at: at[3])
            decoded = memory.pointer(Float.self, at: at[4])
            numbers = memory.pointer(UInt8.self, at: numbersAt)
            wide = memory.pointer(UInt16.self, at: wideAt)
        }
    }

    /// Prepares for rows of a list: its center.
    func begin(_ model: IVFModel, _ list: Int, _ scratch: Scratch) {
        let c = model.centroids.row(list), radius = model.radii[list]
        for d in 0..<dimension { scratch.center[d] = radius * c[d] }
        guard case .binary(let rotation) = kind else { return }
        scratch.turned.update(from: scratch.center, count: dimension)
        rotation.apply(scratch.turned)
    }

    /// The numbers of a row of the list that was begun, with its offset and its factor.
    func encode(_ row: UnsafePointer<Float>, _ scratch: Scratch) throws(VecStoreError) -> (offset: Float, factor: Float) {
        let r = scratch.residual
        var square: Float = 0, along: Float = 0
        for d in 0..<dimension {
            r[d] = row[d] - scratch.center[d]
            square += r[d] * r[d]
            along += r[d] * scratch.center[d]
        }
        switch kind {
        case .product(let quantizer):
            try quantizer.number(r, 1, scratch.wide)
            var product: Float = 0, reached: Float = 0
            for j in 0..<tables {
                scratch.numbers[j] = UInt8(truncatingIfNeeded: scratch.wide[j] & 15)
                let range = quantizer.range(j)
                let part = quantizer.part(j).centroids + Int(scratch.numbers[j]) * range.count
                for (i, d) in range.enumerated() {
                    product += part[i] * scratch.center[d]
                    reached += part[i] * r[d]
                }
            }
            let f = ListCodec.stretch(square, reached)
            let shared = f * product
            return metric == .l2Squared ? (square + 2 * shared, -2 * f) : (shared - along, 0 - f)
        case .binary(let rotation):
            scratch.rotated.update(from: r, count: dimension)
            rotation.apply(scratch.rotated)
            var absolute: Float = 0, product: Float = 0
            scratch.numbers.update(repeating: 0, count: 4 * groups)
            for d in 0..<dimension {
                let x = scratch.rotated[d]
                absolute += abs(x)
                let c = scratch.turned[d]
                if x < 0 {
                    product -= c
                } else {
                    product += c
                    scratch.numbers[d >> 2] |= 1 &<< UInt8(truncatingIfNeeded: d & 3)
                }
            }
            // v·R·r = Σ|x| / 2, and v·R·c = product / 2. A row that is the center has no direction.
            let f = absolute > 0x1p-60 ? square / (absolute / 2) : 0
            let shared = f * product / 2
            return metric == .l2Squared ? (square + 2 * shared, -2 * f) : (shared - along, 0 - f)
        }
    }

    /// The row that a code stands for, relative to nothing: center and r̂.
    /// - Parameter factor: As it lies in the list.
    func decode(
        _ numbers: UnsafePointer<UInt8>, factor: Float, _ model: IVFModel, _ list: Int, _ out: UnsafeMutablePointer<Float>
    ) {
        switch kind {
        case .product(let quantizer):
            for j in 0..<tables {
                let range = quantizer.range(j)
                (out + range.lowerBound).update(
                    from: quantizer.part(j).centroids + Int(numbers[j] & 15) * range.count, count: range.count)
            }
        case .binary(let rotation):
            // As long as the residual was, but shorter by what its direction is off: that is the nearest.
            let f = (metric == .l2Squared ? 0.5 : 1) * abs(factor)
            let shrink = f * 2 / Float.pi
            for d in 0..<dimension {
                out[d] = numbers[d >> 2] & (1 &<< UInt8(truncatingIfNeeded: d & 3)) != 0 ? shrink / 2 : -shrink / 2
            }
            rotation.applyInverse(out)
        }
        let c = model.centroids.row(list), radius = model.radii[list]
        for d in 0..<dimension { out[d] += radius * c[d] }
    }

    /// The scale f of a product code, of ‖r‖² and v·r. Where the code says little of the row, a scale that makes up for it
    /// would be noise.
    static func stretch(_ square: Float, _ reached: Float) -> Float {
        reached > square / ListCodec.mostStretch ? square / reached : 1
    }

    // MARK: - Tables

    /// What kernels read of a query: sum S = scale · (Σ of table bytes) + shift.
    struct Tables {
        var scale: Float = 1
        var shift: Float = 0
        /// About what S is off by because entries are whole steps.
        var spread: Float = 0
    }

    /// Makes the tables of a query.
    /// - Parameters:
    ///   - values: 16 floats for each table: room.
    ///   - bytes: 64 for each group.
    func makeTables(
        _ query: UnsafePointer<Float>, _ values: UnsafeMutablePointer<Float>, _ bytes: UnsafeMutablePointer<UInt8>,
        _ room: UnsafeMutablePointer<Float>
    ) -> Tables {
        switch kind {
        case .product(let quantizer):
            for j in 0..<tables {
                quantizer.part(j).negatedProducts(query + quantizer.range(j).lowerBound, values + 16 * j)
            }
            for i in 0..<(16 * tables) { values[i] = 0 - values[i] }
        case .binary(let rotation):
            room.update(from: query, count: dimension)
            rotation.apply(room)
            for t in 0..<tables { ListCodec.signTable(room + 4 * t, min(4, dimension - 4 * t), values + 16 * t) }
        }
        return quantize(values, bytes)
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
        bytes.update(repeating: 0, count: 64 * groups)
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
