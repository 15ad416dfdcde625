// SPDX-License-Identifier: Apache-2.0

/// Numbers of a few bits each, one behind the other, the lowest bits first: number j has bits j·bits … (j + 1)·bits − 1 of
/// the string of bits whose bit i is bit i % 8 of byte i / 8. What is left of the last byte is 0.
enum CodePacking {
    static func size(count: Int, bits: Int) -> Int { (count * bits + 7) / 8 }

    /// - Parameters:
    ///   - stride: From number to number in `source`.
    static func pack<Number: UnsignedInteger & FixedWidthInteger>(
        _ source: UnsafePointer<Number>, stride: Int, count: Int, bits: Int, _ target: UnsafeMutablePointer<UInt8>
    ) {
        if bits == 8 {
            for j in 0..<count { target[j] = UInt8(truncatingIfNeeded: source[j &* stride]) }
            return
        }
        var held: UInt32 = 0, heldBits = 0, at = 0
        for j in 0..<count {
            held |= UInt32(truncatingIfNeeded: source[j &* stride]) &<< UInt32(heldBits)
            heldBits &+= bits
            while heldBits >= 8 {
                target[at] = UInt8(truncatingIfNeeded: held)
                at &+= 1
                held &>>= 8
                heldBits &-= 8
            }
        }
        if heldBits > 0 { target[at] = UInt8(truncatingIfNeeded: held) }
    }

    static func unpack(
        _ source: UnsafePointer<UInt8>, count: Int, bits: Int, _ target: UnsafeMutablePointer<UInt16>
    ) {
        if bits == 8 {
            for j in 0..<count { target[j] = UInt16(source[j]) }
            return
        }
        let mask = (UInt32(1) &<< UInt32(bits)) &- 1
        var held: UInt32 = 0, heldBits = 0, at = 0
        for j in 0..<count {
            while heldBits < bits {
                held |= UInt32(source[at]) &<< UInt32(heldBits)
                at &+= 1
                heldBits &+= 8
            }
            target[j] = UInt16(truncatingIfNeeded: held & mask)
            held &>>= UInt32(bits)
            heldBits &-= bits
        }
    }
}
