// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// The signs of some rows of a graph whose codes have 4 bits: a bit for each element, side by side, so that all of the rows are
/// estimated in a quarter of the time that comparing their codes takes, and codes are read of those alone that may be near.
///
/// A row differs from the center by x, of which the sign says v = ±step in each element. The scale f = ‖x‖² / (x·v) makes f·v·q the
/// estimate of x·q that is right on average (Gao, Long: RaBitQ, arXiv 2405.12497, with a step for each element). It is off by
/// about f · `spread` · ‖step·q‖, where the spread is √(1 − (x·v)² / (‖x‖²·‖v‖²)) of the rows: about 0.6.
final class SignCodes: @unchecked Sendable {
    // Safety: written by init only.

    let count: Int
    /// The rows as lists have them: offsets are `PackedFactors.sum`, factors f.
    let layout: ListLayout
    let blocks: UnsafeRawPointer
    let spread: Float
    private let memory: Buffer

    /// Fewer rows are compared by their codes as fast.
    static let leastRows = 512
    /// Walks have room for the estimates of so many.
    static let mostRows = 32_768
    /// Of fewer elements signs say so little that most rows may be near.
    private static let leastDimension = 128

    static func suit(_ shape: GraphShape, rows: Int) -> Bool {
        shape.isPacked && shape.dimension >= leastDimension && (leastRows...mostRows).contains(rows)
    }

    /// Numbers of 4 bits: the signs of four elements each.
    static func numbers(_ dimension: Int) -> Int { (dimension + 3) / 4 }

    /// - Parameter store: With codes of 4 bits.
    init(_ slots: UnsafePointer<UInt32>, _ count: Int, _ store: GraphStore) throws(VecStoreError) {
        guard let quantizer = store.quantizer else { throw VecStoreError(.internalError, "signs of rows without codes") }
        self.count = count
        let numbers = SignCodes.numbers(store.shape.dimension)
        layout = ListLayout(groups: (numbers + 3) / 4)
        memory = try allocate(UInt8.self, ListLayout.blocks(count) * layout.blockSize, for: "the signs of \(count) rows")
        blocks = UnsafeRawPointer(memory.base)
        let reader = try SignReader(quantizer, packedSize: store.shape.sketchStride)
        var lost: Double = 0
        for i in 0..<count {
            let slot = slots[i], factors = store.packedFactors(slot)
            let row = reader.read(UnsafeRawPointer(store.walk.address(slot)).assumingMemoryBound(to: UInt8.self))
            layout.write(
                memory.base + i / ListLayout.rows * layout.blockSize, i % ListLayout.rows, slot: slot, numbers: reader.numbers,
                count: numbers, offset: factors.sum, factor: factors.scale * row.scale)
            lost += Double(row.lost)
        }
        spread = Float((lost / Double(max(count, 1))).squareRoot())
    }

    var bytes: Int { memory.size }
}

/// Makes the signs of rows out of their codes.
private struct SignReader {
    /// Of the row that was read last.
    let numbers: UnsafeMutablePointer<UInt8>
    private let codes: UnsafeMutablePointer<UInt8>
    /// The squares of the steps; 0 behind the last.
    private let weights: UnsafeMutablePointer<Float>
    private let weightSum: Float
    private let packedSize: Int
    private let memory: Buffer

    /// Elements that are taken at a time.
    private static let width = 16

    init(_ quantizer: ScalarQuantizer, packedSize: Int) throws(VecStoreError) {
        self.packedSize = packedSize
        var layout = Layout()
        let weightsAt = layout.add(Float.self, 2 * packedSize)
        let codesAt = layout.add(UInt8.self, 2 * packedSize)
        let numbersAt = layout.add(UInt8.self, packedSize / 2)
        memory = try allocate(UInt8.self, layout.size, for: "signs")
        weights = memory.pointer(Float.self, at: weightsAt)
        codes = memory.pointer(UInt8.self, at: codesAt)
        numbers = memory.pointer(UInt8.self, at: numbersAt)
        weights.update(repeating: 0, count: 2 * packedSize)
        var sum: Float = 0
        for d in 0..<quantizer.dimension {
            weights[d] = quantizer.step[d] * quantizer.step[d]
            sum += weights[d]
        }
        weightSum = sum
    }

    /// Writes the numbers of a row. Returns f, for a row of the length that its codes say, and which share of the square of the
    /// row the signs do not say.
    func read(_ packed: UnsafePointer<UInt8>) -> (scale: Float, lost: Float) {
        unpackNibbles(packed, bytes: packedSize, codes)
        let bytes = UnsafeRawPointer(codes)
        for t in 0..<(packedSize / 2) {
            // The highest bit of each of four codes, next to each other.
            let high = bytes.load(fromByteOffset: 4 &* t, as: UInt32.self).littleEndian &>> 3 & 0x0101_0101
            numbers[t] = UInt8(truncatingIfNeeded: (high &* 0x0102_0408) &>> 24 & 15)
        }
        var squares = SIMD16<Float>(repeating: 0), products = squares
        for d in stride(from: 0, to: 2 * packedSize, by: SignReader.width) {
            let code = bytes.loadUnaligned(fromByteOffset: d, as: SIMD16<UInt8>.self)
            let value = SIMD16<Float>(code) - 7.5
            let weighted = value * UnsafeRawPointer(weights + d).loadUnaligned(as: SIMD16<Float>.self)
            squares += weighted * value
            products += weighted.replacing(with: -weighted, where: value .< 0)
        }
        let square = squares.sum(), product = products.sum()
        guard product > 0, weightSum > 0 else { return (0, 1) }
        return (square / product, max(0, 1 - product / square * (product / weightSum)))
    }
}
