// Vectors for the checks, as the bytes that a kernel reads.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

enum TestVectors {
    /// A vector with the element values given. Each is rounded to the type; for bits, any but 0 is a 1.
    static func vector(_ type: ElementType, _ values: [Double]) -> [UInt8] {
        func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
            withUnsafeBytes(of: number.littleEndian) { Array($0) }
        }
        switch type {
        case .float32: return values.flatMap { bytes(Float($0).bitPattern) }
        case .float16: return values.flatMap { bytes(Reference.narrowFloat16(Float($0))) }
        case .bfloat16: return values.flatMap { bytes(Reference.narrowBFloat16(Float($0))) }
        case .int8: return values.map { UInt8(bitPattern: Int8($0)) }
        case .uint8: return values.map { UInt8($0) }
        case .bits:
            var packed = [UInt8](repeating: 0, count: type.rowSize(values.count))
            for (i, value) in values.enumerated() where value != 0 { packed[i / 8] |= 1 << UInt8(i % 8) }
            return packed
        }
    }

    /// Floats from −1 to 1; for the others any value that the type has. Never a zero vector.
    static func random(_ type: ElementType, _ dimension: Int, _ random: inout SplitMix64) -> [UInt8] {
        var values = (0..<dimension).map { _ in
            switch type {
            case .float32, .float16, .bfloat16: random.unit()
            case .int8: Double(Int8(bitPattern: random.byte()))
            case .uint8: Double(random.byte())
            case .bits: Double(random.byte() & 1)
            }
        }
        if type != .bits && values.allSatisfy({ $0 == 0 }) { values[0] = 1 }
        return vector(type, values)
    }

    /// The query that is equal to a row: floats of any width become float32.
    static func query(equalTo row: [UInt8], _ type: ElementType, _ dimension: Int) -> [UInt8] {
        type.isFloat ? vector(.float32, Reference.elements(type, row, dimension)) : row
    }
}
