// Integers from 2^63 to 2^64 − 1 in filters, which the parser below cannot hold.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndex

@testable import VecCollection

struct UnsignedIntegerTests {
    private func parse(_ text: String) throws(VecStoreError) -> JSONDocument {
        try withBytes(text) { (bytes) throws(VecStoreError) in try JSONDocument(bytes, .filter) }
    }

    @Test func allSixtyFourBitsAreRead() throws {
        let numbers: [UInt64] = [0, 1, 1 << 53, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, .max]
        let document = try parse("[" + numbers.map(String.init).joined(separator: ", ") + "]")
        #expect(document.root.elements.map(\.unsigned) == numbers)
        #expect(document.root.elements.map(\.kind).suffix(3) == [.unsigned, .unsigned, .unsigned])
        #expect(document.root[4]?.string == nil && document.root[4]?.integer == nil && document.root[4]?.number == nil)
        withExtendedLifetime(document) {}
    }

    @Test func textOfDigitsStaysText() throws {
        let document = try parse(#"["18446744073709551615", 18446744073709551615, "a\"18446744073709551615"]"#)
        #expect(document.root.elements.map(\.kind) == [.string, .unsigned, .string])
        #expect(document.root[2]?.string == #"a"18446744073709551615"#)
        withExtendedLifetime(document) {}
    }

    @Test func whatIsLargerOrNegativeIsRefused() {
        for text in ["18446744073709551616", "-9223372036854775809", "99999999999999999999", "018446744073709551615"] {
            #expect(message { () throws(VecStoreError) in try parse("[\(text)]") } != "no error")
        }
    }

    @Test func errorsBehindThemSayTheRightByte() {
        let text = "[18446744073709551615, 18446744073709551615, 7 7]"
        let place = text.utf8.count - 1
        #expect(message { () throws(VecStoreError) in try parse(text) }.contains("near byte \(place): "))
    }
}
