// Some vectors of one element type: their bytes, which the library gets, and their values, which a reference reads.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

package struct Vectors: Sendable {
    package let type: ElementType
    package let dimension: Int
    package let count: Int
    package let bytes: [UInt8]
    /// `dimension` values for each vector; of bits 0 and 1.
    package let values: [Double]

    package var rowSize: Int { type.rowSize(dimension) }

    /// Vectors of floats, rounded to `type`: integers are cut to their range, uint8 without sign; a bit is set above 0.
    package init(_ floats: [Float], dimension: Int, type: ElementType) {
        self.type = type
        self.dimension = dimension
        count = floats.count / dimension
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * type.rowSize(dimension))
        var values = [Double](repeating: 0, count: count * dimension)
        for i in 0..<count {
            var lastByte: UInt8 = 0
            for d in 0..<dimension {
                let x = floats[i * dimension + d]
                let value: Double
                switch type {
                case .float32:
                    Vectors.append(x.bitPattern, to: &bytes)
                    value = Double(x)
                case .float16:
                    let half = Float16(x)
                    Vectors.append(half.bitPattern, to: &bytes)
                    value = Double(half)
                case .bfloat16:
                    let half = bfloat16(x)
                    Vectors.append(half, to: &bytes)
                    value = Double(Float(bitPattern: UInt32(half) << 16))
                case .int8:
                    let byte = Int8(max(-128, min(127, x.rounded(.toNearestOrEven))))
                    bytes.append(UInt8(bitPattern: byte))
                    value = Double(byte)
                case .uint8:
                    let byte = UInt8(min(255, abs(x).rounded(.toNearestOrEven)))
                    bytes.append(byte)
                    value = Double(byte)
                case .bits:
                    let bit: UInt8 = x > 0 ? 1 : 0
                    lastByte |= bit << UInt8(d % 8)
                    if d % 8 == 7 || d == dimension - 1 {
                        bytes.append(lastByte)
                        lastByte = 0
                    }
                    value = Double(bit)
                }
                values[i * dimension + d] = value
            }
        }
        self.bytes = bytes
        self.values = values
    }

    /// Vectors from their bytes.
    package init(bytes: [UInt8], dimension: Int, type: ElementType) {
        let rowSize = type.rowSize(dimension)
        var values: [Double] = []
        values.reserveCapacity(bytes.count / rowSize * dimension)
        bytes.withUnsafeBytes { bytes in
            for row in stride(from: 0, to: bytes.count, by: rowSize) {
                for d in 0..<dimension {
                    func load<T>(_: T.Type) -> T {
                        bytes.loadUnaligned(fromByteOffset: row + d * MemoryLayout<T>.size, as: T.self)
                    }
                    switch type {
                    case .float32: values.append(Double(load(Float.self)))
                    case .float16: values.append(Double(load(Float16.self)))
                    case .bfloat16: values.append(Double(Float(bitPattern: UInt32(load(UInt16.self)) << 16)))
                    case .int8: values.append(Double(load(Int8.self)))
                    case .uint8: values.append(Double(load(UInt8.self)))
                    case .bits: values.append(bytes[row + d / 8] >> UInt8(d % 8) & 1 == 1 ? 1 : 0)
                    }
                }
            }
        }
        self.init(type, dimension, bytes: bytes, values: values)
    }

    private init(_ type: ElementType, _ dimension: Int, bytes: [UInt8], values: [Double]) {
        self.type = type
        self.dimension = dimension
        count = values.count / dimension
        self.bytes = bytes
        self.values = values
    }

    private static func append<I: FixedWidthInteger>(_ bits: I, to bytes: inout [UInt8]) {
        for byte in 0..<(I.bitWidth / 8) { bytes.append(UInt8(truncatingIfNeeded: bits >> I(8 * byte))) }
    }

    /// Some of these vectors, in the order given.
    package func picked(_ positions: some Sequence<Int>) -> Vectors {
        var pickedBytes: [UInt8] = [], pickedValues: [Double] = []
        for i in positions {
            pickedBytes += bytes[(i * rowSize)..<((i + 1) * rowSize)]
            pickedValues += values[(i * dimension)..<((i + 1) * dimension)]
        }
        return Vectors(type, dimension, bytes: pickedBytes, values: pickedValues)
    }

    /// Every element times `factor`, rounded to `type`.
    package func scaled(by factor: Float, type: ElementType) -> Vectors {
        Vectors(values.map { Float($0) * factor }, dimension: dimension, type: type)
    }

    /// The bytes of one vector.
    package func row(_ i: Int) -> [UInt8] { Array(bytes[(i * rowSize)..<((i + 1) * rowSize)]) }

    /// The values of all vectors as float32: exact for every type.
    package var floats: [Float] { values.map { Float($0) } }

    /// The values of one vector.
    package func floats(_ i: Int) -> [Float] { values[(i * dimension)..<((i + 1) * dimension)].map { Float($0) } }
}

/// The upper half of a float32, rounded to nearest, ties to even.
private func bfloat16(_ x: Float) -> UInt16 {
    let bits = x.bitPattern
    return UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ ((bits >> 16) & 1)) >> 16)
}
