// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Codes of one or a few bits for each element, from which products are estimated without bias and with a bound on the error
/// (Gao, Long: RaBitQ, arXiv 2405.12497; Gao et al.: its extension to more bits, arXiv 2409.09913). Immutable.
///
/// A vector x is taken relative to the center c of the training vectors and rotated at random: r = R·(x − c). Each element of
/// r becomes a number v of a grid of 2^bits values, (−2^bits + 1) / 2 … (2^bits − 1) / 2 in whole steps, with the steps scaled
/// so that v and r point the same way as nearly as they can. Then for any q, (x − c)·q ≈ f · (v·R·q) with f = ‖r‖² / (v·r), which
/// is right on average over rotations; it is off by about ‖r‖·‖q‖·√((1 − cos²) / cos² / (n − 1)), where cos is that between v
/// and r.
///
/// A code has the numbers, from 0 on, `bits` each, the lowest bits first, and behind them ‖r‖ and f as float32.
final class BinaryQuantizer: TrainedQuantizer, @unchecked Sendable {
    // Safety: written by init only.

    let dimension: Int
    private let bits: Int
    private let table: KernelTable
    private let rounder: GridRounder
    private let rotation: FastRotation
    private let memory: Buffer
    let center: UnsafePointer<Float>

    /// Bytes of both factors.
    static let factorsSize = 8
    private static let piece = 128

    private var numbersSize: Int { CodePacking.size(count: dimension, bits: bits) }
    private var codeSize: Int { numbersSize + BinaryQuantizer.factorsSize }
    /// What is taken from a number to give v.
    private var middle: Float { Float((1 << bits) - 1) / 2 }

    /// - Parameter fill: Sets the `dimension` elements of the center.
    init(
        dimension: Int, bits: Int, seed: UInt64, table: KernelTable,
        _ fill: (UnsafeMutablePointer<Float>) throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        self.dimension = dimension
        self.bits = bits
        self.table = table
        rounder = GridRounder(dimension: dimension, bits: bits, table: table)
        rotation = FastRotation(dimension: dimension, seed: seed, table: table)
        memory = try allocate(Float.self, dimension, for: "a quantizer")
        try fill(memory.pointer(Float.self))
        center = UnsafePointer(memory.pointer(Float.self))
    }

    /// - Parameter vectors: `count` vectors, whose mean becomes the center.
    convenience init(
        _ vectors: UnsafePointer<Float>, _ count: Int, dimension: Int, bits: Int, seed: UInt64, table: KernelTable
    ) throws(VecStoreError) {
        try self.init(dimension: dimension, bits: bits, seed: seed, table: table) { (center) throws(VecStoreError) in
            let memory = try allocate(Double.self, dimension, for: "training a quantizer")
            let sums = memory.pointer(Double.self)
            for i in 0..<count {
                for d in 0..<dimension { sums[d] += Double(vectors[i * dimension + d]) }
            }
            for d in 0..<dimension { center[d] = Float(sums[d] / Double(max(count, 1))) }
        }
    }

    // MARK: - Encoding

    func encode(
        _ vectors: UnsafePointer<Float>, _ count: Int, _ codes: UnsafeMutablePointer<UInt8>, threads: Int
    ) throws(VecStoreError) {
        try ThreadPool.shared.runPieces(
            of: BinaryQuantizer.piece, count: count, threads: threads
        ) { (from, n) throws(VecStoreError) in
            let scratch = try Scratch(self.dimension)
            for i in from..<(from + n) {
                self.encode(vectors + i * self.dimension, codes + i * self.codeSize, scratch)
            }
        }
    }

    /// Room for one vector at work.
    private struct Scratch {
        let memory: Buffer
        let vector: UnsafeMutablePointer<Float>
        let numbers: UnsafeMutablePointer<UInt8>

        init(_ dimension: Int) throws(VecStoreError) {
            var layout = Layout()
            let vectorAt = layout.add(Float.self, dimension)
            let numbersAt = layout.add(UInt8.self, dimension)
            memory = try allocate(UInt8.self, layout.size, for: "a code")
            vector = memory.pointer(Float.self, at: vectorAt)
            numbers = memory.pointer(UInt8.self, at: numbersAt)
        }
    }

    private func encode(
        _ vector: UnsafePointer<Float>, _ code: UnsafeMutablePointer<UInt8>, _ scratch: Scratch
    ) {
        let r = scratch.vector
        for d in 0..<dimension { r[d] = vector[d] - center[d] }
        rotation.apply(r)
        var square: Double = 0
        var largest: Float = 0
        for d in 0..<dimension {
            square += Double(r[d]) * Double(r[d])
            largest = max(largest, abs(r[d]))
        }
        // Below this, its inverse would overflow; such a vector is the center.
        guard largest > 0x1p-80 else {
            code.update(repeating: 0, count: numbersSize)
            write(0, 0, code)
            return
        }
        // Of norm 1, so that no product overflows.
        let norm = square.squareRoot()
        let inverse = Float(1 / norm)
        for d in 0..<dimension { r[d] *= inverse }
        let product = rounder.round(r, scratch.numbers).product
        CodePacking.pack(scratch.numbers, stride: 1, count: dimension, bits: bits, code)
        write(Float(norm), Float(norm / product), code)
    }

    private func write(_ norm: Float, _ factor: Float, _ code: UnsafeMutablePointer<UInt8>) {
        let factors = UnsafeMutableRawPointer(code + numbersSize)
        factors.storeBytes(of: norm.bitPattern, as: UInt32.self)
        factors.storeBytes(of: factor.bitPattern, toByteOffset: 4, as: UInt32.self)
    }

    // MARK: - Decoding

    func decode(
        _ codes: UnsafePointer<UInt8>, _ count: Int, _ vectors: UnsafeMutablePointer<Float>, threads: Int
    ) throws(VecStoreError) {
        try ThreadPool.shared.runPieces(
            of: BinaryQuantizer.piece, count: count, threads: threads
        ) { (from, n) throws(VecStoreError) in
            let room = try allocate(UInt16.self, self.dimension, for: "a code")
            for i in from..<(from + n) {
                self.decode(codes + i * self.codeSize, vectors + i * self.dimension, room.pointer(UInt16.self))
            }
        }
    }

    /// The vector along v nearest to r: r is as long as `norm`, and its product with v is norm² / f.
    private func decode(
        _ code: UnsafePointer<UInt8>, _ vector: UnsafeMutablePointer<Float>, _ numbers: UnsafeMutablePointer<UInt16>
    ) {
        CodePacking.unpack(code, count: dimension, bits: bits, numbers)
        let (norm, factor) = factors(code)
        var square: Float = 0
        for d in 0..<dimension {
            let v = Float(numbers[d]) - middle
            vector[d] = v
            square += v * v
        }
        // No longer than the vector itself, whatever the bytes say.
        let scale = factor > 0 ? min(norm / factor * (norm / square), norm / square.squareRoot()) : 0
        for d in 0..<dimension { vector[d] *= scale }
        rotation.applyInverse(vector)
        for d in 0..<dimension { vector[d] += center[d] }
    }

    /// ‖r‖ and f; what no code has counts as 0.
    private func factors(_ code: UnsafePointer<UInt8>) -> (norm: Float, factor: Float) {
        let raw = UnsafeRawPointer(code + numbersSize)
        func number(_ offset: Int) -> Float {
            let x = Float(bitPattern: raw.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            return x >= 0 && x < 0x1p63 ? x : 0
        }
        return (number(0), number(4))
    }

    // MARK: - Distances

    /// Estimates: right on average, not those from decoded vectors.
    func distances(
        _ query: UnsafePointer<Float>, metric: Metric, _ codes: UnsafePointer<UInt8>, _ count: Int,
        _ out: UnsafeMutablePointer<Float>
    ) throws(VecStoreError) {
        // Where whole numbers lie in a byte there is a table for each byte of a code: sums of v · q for all that it may be.
        let isTabled = 8 % bits == 0
        let tables = isTabled ? numbersSize * 256 : 0
        let memory = try allocate(Float.self, dimension + tables, for: "the tables of a query")
        let numberMemory = try allocate(UInt16.self, dimension, for: "a code")
        let q = memory.pointer(Float.self), numbers = numberMemory.pointer(UInt16.self)
        var constant: Float = 0
        for d in 0..<dimension {
            if metric == .l2Squared {
                q[d] = query[d] - center[d]
                constant += q[d] * q[d]
            } else {
                q[d] = query[d]
                constant -= query[d] * center[d]
            }
        }
        rotation.apply(q)
        if isTabled {
            makeTables(q, q + dimension)
            table.subspaces.sums(q + dimension, 256, codes, codeSize, count, numbersSize, out)
        } else {
            for i in 0..<count {
                CodePacking.unpack(codes + i * codeSize, count: dimension, bits: bits, numbers)
                var sum: Float = 0
                for d in 0..<dimension { sum += (Float(numbers[d]) - middle) * q[d] }
                out[i] = sum
            }
        }
        for i in 0..<count {
            let (norm, factor) = factors(codes + i * codeSize)
            let product = factor * out[i]
            out[i] = metric == .l2Squared ? max(0, constant + norm * norm - 2 * product) : constant - product
        }
    }

    private func makeTables(_ q: UnsafePointer<Float>, _ tables: UnsafeMutablePointer<Float>) {
        let perByte = 8 / bits, mask = (1 << bits) - 1
        for b in 0..<numbersSize {
            for value in 0..<256 {
                var sum: Float = 0
                for j in 0..<perByte where b * perByte + j < dimension {
                    sum += (Float(value >> (j * bits) & mask) - middle) * q[b * perByte + j]
                }
                tables[b * 256 + value] = sum
            }
        }
    }
}
