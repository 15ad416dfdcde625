// Numbers of JSON: integers and real numbers compared without rounding.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import VecCollection

struct NumberTests {
    @Test func integersBeyondTheMantissaAreNotRounded() {
        #expect(Number.integer((1 << 53) + 1) > .real(0x1p53))
        #expect(Number.integer(1 << 53) == .real(0x1p53))
        #expect(Number.integer(.max) < .real(0x1p63))
        #expect(Number.integer(.min) == .real(-0x1p63))
        #expect(Number.integer(.min) > .real(-0x1.0000000000001p63))
        #expect(Number.real(1e300) > .integer(.max))
        #expect(Number.real(-1e300) < .integer(.min))
    }

    @Test func fractionsLieBetweenIntegers() {
        #expect(Number.integer(2) < .real(2.5) && Number.real(2.5) < .integer(3))
        #expect(Number.integer(-3) < .real(-2.5) && Number.real(-2.5) < .integer(-2))
        #expect(Number.integer(0) == .real(-0.0))
    }

    @Test func theOrderIsThatOfWiderArithmetic() {
        var random = Random(seed: 7)
        for _ in 0..<20_000 {
            let integer = Int64(bitPattern: random.next()) >> Int64(random.below(64))
            // A neighbour, where rounding would make a difference.
            let real = Double(integer) + Double(random.below(5) - 2) / 2
            // The distance, exactly: the whole part in 128 bits, then the fraction.
            let whole = Int128(real.rounded(.down))
            let isLess = Int128(integer) < whole || (Int128(integer) == whole && real != real.rounded(.down))
            #expect((Number.integer(integer) < .real(real)) == isLess)
            #expect((Number.integer(integer) == .real(real)) == (Int128(integer) == whole && real == real.rounded(.down)))
        }
    }
}
