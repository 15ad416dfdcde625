// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Where things are in a block of 32 rows of a list: codes, then two numbers and the slot of each row. Lists without codes have
/// slots alone. The numbers of codes are of 4 bits each, as `ListCodeKernels` reads them, or bytes, row by row.
struct ListLayout: Sendable, Equatable {
    /// Fours of tables; 0 where numbers are not of 4 bits.
    var groups = 0
    /// Bytes of the code of a row; 0 where numbers are not bytes.
    var rowBytes = 0

    static let rows = 32

    var hasCodes: Bool { groups > 0 || rowBytes > 0 }
    var codesSize: Int { 64 * groups + ListLayout.rows * rowBytes }
    var offsetsAt: Int { codesSize }
    var factorsAt: Int { codesSize + 4 * ListLayout.rows }
    var slotsAt: Int { hasCodes ? codesSize + 8 * ListLayout.rows : 0 }
    var blockSize: Int { slotsAt + 4 * ListLayout.rows }

    /// Blocks that hold `count` rows.
    static func blocks(_ count: Int) -> Int { (count + rows - 1) / rows }

    @inline(__always)
    func slots(_ block: UnsafeRawPointer) -> UnsafePointer<UInt32> {
        (block + slotsAt).assumingMemoryBound(to: UInt32.self)
    }

    func offsets(_ block: UnsafeRawPointer) -> UnsafePointer<Float> {
        (block + offsetsAt).assumingMemoryBound(to: Float.self)
    }

    func factors(_ block: UnsafeRawPointer) -> UnsafePointer<Float> {
        (block + factorsAt).assumingMemoryBound(to: Float.self)
    }

    /// Writes a row into a place that is empty.
    /// - Parameter numbers: One for each table, from 0 to 15, or one for each byte; unused without codes.
    func write(
        _ block: UnsafeMutableRawPointer, _ row: Int, slot: UInt32, numbers: UnsafePointer<UInt8>, count: Int, offset: Float,
        factor: Float
    ) {
        block.storeBytes(of: slot, toByteOffset: slotsAt + 4 * row, as: UInt32.self)
        if !hasCodes { return }
        let bytes = block.assumingMemoryBound(to: UInt8.self)
        if rowBytes > 0 {
            (bytes + row * rowBytes).update(from: numbers, count: count)
        } else {
            let shift = UInt8(row < 16 ? 0 : 4), column = bytes + (row & 15)
            for t in 0..<count { column[16 &* t] |= numbers[t] &<< shift }
        }
        block.storeBytes(of: offset.bitPattern, toByteOffset: offsetsAt + 4 * row, as: UInt32.self)
        block.storeBytes(of: factor.bitPattern, toByteOffset: factorsAt + 4 * row, as: UInt32.self)
    }

    /// The numbers of a row.
    func read(_ block: UnsafeRawPointer, _ row: Int, count: Int, _ numbers: UnsafeMutablePointer<UInt8>) {
        let bytes = block.assumingMemoryBound(to: UInt8.self)
        if rowBytes > 0 {
            numbers.update(from: bytes + row * rowBytes, count: count)
            return
        }
        let shift = UInt8(row < 16 ? 0 : 4), column = bytes + (row & 15)
        for t in 0..<count { numbers[t] = column[16 &* t] &>> shift & 15 }
    }

    /// Puts a row into the place of another, and leaves its own place empty.
    func move(
        _ source: UnsafeMutableRawPointer, _ from: Int, to target: UnsafeMutableRawPointer, _ row: Int
    ) {
        for column in columns {
            let value = source.load(fromByteOffset: column + 4 * from, as: UInt32.self)
            target.storeBytes(of: value, toByteOffset: column + 4 * row, as: UInt32.self)
        }
        if rowBytes > 0 {
            (target + row * rowBytes).copyMemory(from: source + from * rowBytes, byteCount: rowBytes)
        } else {
            clearNumbers(target, row)
            let fromShift = UInt8(from < 16 ? 0 : 4), toShift = UInt8(row < 16 ? 0 : 4)
            let old = source.assumingMemoryBound(to: UInt8.self) + (from & 15)
            let new = target.assumingMemoryBound(to: UInt8.self) + (row & 15)
            for t in 0..<(4 * groups) { new[16 &* t] |= (old[16 &* t] &>> fromShift & 15) &<< toShift }
        }
        clear(source, from)
    }

    /// Makes a place empty: all its bytes are 0.
    func clear(_ block: UnsafeMutableRawPointer, _ row: Int) {
        clearNumbers(block, row)
        for column in columns { block.storeBytes(of: 0, toByteOffset: column + 4 * row, as: UInt32.self) }
    }

    private var columns: [Int] { hasCodes ? [slotsAt, offsetsAt, factorsAt] : [slotsAt] }

    private func clearNumbers(_ block: UnsafeMutableRawPointer, _ row: Int) {
        let bytes = block.assumingMemoryBound(to: UInt8.self)
        if rowBytes > 0 {
            (bytes + row * rowBytes).update(repeating: 0, count: rowBytes)
            return
        }
        let kept = UInt8(row < 16 ? 0xf0 : 0x0f), column = bytes + (row & 15)
        for t in 0..<(4 * groups) { column[16 &* t] &= kept }
    }
}
