// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Converts elements; refuses values that the target type cannot hold, NaN and infinity, and types that do not convert.
///
/// Among floats values are rounded to nearest, ties to even. From a float to an integer type likewise, within its range.
/// - Parameter name: What a message calls an element.
package func convertElements(
    _ source: UnsafeRawPointer, _ type: ElementType, _ target: UnsafeMutableRawPointer, _ targetType: ElementType,
    _ count: Int, _ table: KernelTable, name: (Int) -> String = { "element \($0)" }
) throws(VecStoreError) {
    if type == targetType {
        target.copyMemory(from: source, byteCount: type.rowSize(count))
        try checkFinite(target, type, count, 0, nil, table, name)
        return
    }
    guard type != .bits && targetType != .bits else {
        throw VecStoreError(.unsupported, "\(type.name) does not convert to \(targetType.name): bits convert to nothing else")
    }
    // Pieces of float32 between the two types.
    let piece = 1024
    let scratch = try allocate(Float.self, piece, for: "a conversion")
    let floats = scratch.pointer(Float.self)
    var from = 0
    while from < count {
        let n = min(piece, count - from)
        load(source + from * type.rowSize(1), type, floats, n, table)
        let out = target + from * targetType.rowSize(1)
        switch targetType {
        case .float16:
            table.narrowFloat16(scratch.base, out, n)
            try checkFinite(out, targetType, n, from, floats, table, name)
        case .bfloat16:
            table.narrowBFloat16(scratch.base, out, n)
            try checkFinite(out, targetType, n, from, floats, table, name)
        case .int8:
            try round(floats, n, from, out.assumingMemoryBound(to: Int8.self), targetType, name)
        case .uint8:
            try round(floats, n, from, out.assumingMemoryBound(to: UInt8.self), targetType, name)
        default:
            out.copyMemory(from: scratch.base, byteCount: 4 * n)
            try checkFinite(out, targetType, n, from, floats, table, name)
        }
        from += n
    }
}

/// Elements of any type but bits as float32.
private func load(
    _ source: UnsafeRawPointer, _ type: ElementType, _ floats: UnsafeMutablePointer<Float>, _ count: Int,
    _ table: KernelTable
) {
    switch type {
    case .int8: for i in 0..<count { floats[i] = Float(source.load(fromByteOffset: i, as: Int8.self)) }
    case .uint8: for i in 0..<count { floats[i] = Float(source.load(fromByteOffset: i, as: UInt8.self)) }
    default: convertToFloat32(source, type, floats, count, table)
    }
}

/// - Parameter floats: What the elements were made of; nil where they were copied.
private func checkFinite(
    _ out: UnsafeRawPointer, _ type: ElementType, _ count: Int, _ first: Int, _ floats: UnsafePointer<Float>?,
    _ table: KernelTable, _ name: (Int) -> String
) throws(VecStoreError) {
    guard let finite = table.allFinite[Int(type.rawValue)], !finite(out, count) else { return }
    let size = type.rowSize(1)
    for i in 0..<count where !finite(out + i * size, 1) {
        if let floats, floats[i].isFinite {
            throw VecStoreError(.tooLarge, "\(name(first + i)), \(floats[i]), is beyond the range of \(type.name)")
        }
        throw VecStoreError(.notFinite, "\(name(first + i)) is NaN or infinity")
    }
}

private func round<I: FixedWidthInteger>(
    _ floats: UnsafePointer<Float>, _ count: Int, _ first: Int, _ out: UnsafeMutablePointer<I>, _ type: ElementType,
    _ name: (Int) -> String
) throws(VecStoreError) {
    for i in 0..<count {
        guard floats[i].isFinite else {
            throw VecStoreError(.notFinite, "\(name(first + i)) is NaN or infinity")
        }
        guard let value = I(exactly: floats[i].rounded(.toNearestOrEven)) else {
            throw VecStoreError(
                .tooLarge, "\(name(first + i)), \(floats[i]), is beyond the range of \(type.name): \(I.min) to \(I.max)")
        }
        out[i] = value
    }
}
