// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The type of the elements of a vector that lies in a field of a hash, one after the other, the least byte first. The raw values are
/// those of the C header: never renumber them.
package enum BlobType: UInt32, CaseIterable, Sendable {
    case float32 = 1
    case float64 = 2
    case float16 = 3
    case bfloat16 = 4

    /// Bytes of an element.
    package var size: Int {
        switch self {
        case .float64: 8
        case .float32: 4
        case .float16, .bfloat16: 2
        }
    }

    package var name: String { "\(self)" }

    // MARK: - Reading

    /// The elements of a blob as float32.
    /// - Parameter field: As messages name it.
    func elements(_ blob: [UInt8], dimension: Int, field: String) throws(VecStoreError) -> [Float] {
        guard blob.count == dimension &* size else {
            let other = BlobType.allCases.first { blob.count == dimension &* $0.size }
            let hint = other.map { "; as many elements of \($0.name) do" } ?? ""
            throw VecStoreError(
                .invalidArgument,
                "the field '\(field)' has \(blob.count) bytes: \(dimension) elements of \(name) have \(dimension &* size)\(hint)")
        }
        let elements = blob.withUnsafeBytes { bytes in
            [Float](unsafeUninitializedCapacity: dimension) { target, count in
                for i in 0..<dimension { target[i] = element(bytes, i) }
                count = dimension
            }
        }
        guard let bad = elements.firstIndex(where: { !$0.isFinite }) else { return elements }
        let isTooLarge = blob.withUnsafeBytes {
            self == .float64 && $0.loadUnaligned(fromByteOffset: bad &* size, as: Double.self).isFinite
        }
        throw isTooLarge
            ? VecStoreError(.tooLarge, "element \(bad) of the field '\(field)' is beyond the range of float32")
            : VecStoreError(.notFinite, "element \(bad) of the field '\(field)' is NaN or infinity: elements must be finite")
    }

    @inline(__always)
    private func element(_ bytes: UnsafeRawBufferPointer, _ i: Int) -> Float {
        switch self {
        case .float32: bytes.loadUnaligned(fromByteOffset: 4 &* i, as: Float.self)
        case .float64: Float(bytes.loadUnaligned(fromByteOffset: 8 &* i, as: Double.self))
        case .float16: Float(bytes.loadUnaligned(fromByteOffset: 2 &* i, as: Float16.self))
        case .bfloat16: Float(bitPattern: UInt32(bytes.loadUnaligned(fromByteOffset: 2 &* i, as: UInt16.self)) << 16)
        }
    }

    // MARK: - Writing

    /// The blob of some elements, rounded to nearest where the type is narrower than float32.
    func blob(_ elements: [Float]) throws(VecStoreError) -> [UInt8] {
        switch self {
        case .float32: return elements.withUnsafeBytes { Array($0) }
        case .float64: return elements.map { Double($0) }.withUnsafeBytes { Array($0) }
        case .float16:
            let halves = elements.map { Float16($0) }
            guard halves.allSatisfy(\.isFinite) else { throw beyond }
            return halves.withUnsafeBytes { Array($0) }
        case .bfloat16:
            let halves = elements.map { BlobType.bfloat16($0) }
            guard halves.allSatisfy({ $0 & 0x7f80 != 0x7f80 }) else { throw beyond }
            return halves.withUnsafeBytes { Array($0) }
        }
    }

    private var beyond: VecStoreError { VecStoreError(.tooLarge, "an element is beyond the range of \(name)") }

    /// Ties go to even. Of a finite number: what is too large becomes infinity.
    private static func bfloat16(_ number: Float) -> UInt16 {
        let bits = number.bitPattern
        return UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16)
    }
}
