// Numbers and values of JSON text, read without a tree.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct JSONCursorTests {
    private func float(_ text: String) throws -> Float {
        try Array(text.utf8).withUnsafeBufferPointer { bytes throws(VecStoreError) in
            var cursor = JSONCursor(bytes)
            let number = try cursor.float()
            guard cursor.peek() == nil else { throw cursor.failure("more") }
            return number
        }
    }

    @Test(arguments: [
        "0", "-0", "1", "-1.5", "0.1", "3.4028235e38", "-3.4028235E+38", "1e-45", "1.1754944e-38", "16777217", "0.30000001192092896",
        "123456789.123456789123456789", "1e22", "1e23", "9007199254740993", "8388608.5", "8388609.5", "1e-400", "0.0000000000000000000001e10",
        "5e-324", "1.00000017881393432617187499", "1.00000017881393432617187500", "1.00000017881393432617187501",
        "18446744073709551616", "0e999999999999",
    ])
    func aNumberIsTheNearestFloat(text: String) throws {
        let expected = try #require(Float(text))
        #expect(try float(text).bitPattern == expected.bitPattern)
    }

    @Test func everyFloatIsReadAsItWasWritten() throws {
        var noise = Random(seed: 5)
        for i in 0..<200_000 {
            // All exponents, and those near 1, where vectors are.
            let bits = UInt32(truncatingIfNeeded: noise.next())
            let value = i % 2 == 0 ? Float(bitPattern: bits) : Float(Int32(bitPattern: bits)) / 0x1p31
            guard value.isFinite else { continue }
            let read = try float(value.description)
            #expect(read.bitPattern == value.bitPattern)
        }
    }

    @Test(arguments: ["", "-", "+1", ".5", "1.", "01", "1e", "1e+", "nan", "NaN", "inf", "Infinity", "0x10", "1,5", "--1", "1.e5", "1_0"])
    func whatJSONDoesNotHaveIsNoNumber(text: String) {
        #expect(throws: VecStoreError.self) { try float(text) }
    }

    @Test(arguments: ["1e39", "-3.5e38", "1e400", "340282366920938463463374607431768211456"])
    func numbersBeyondFloatsAreRefused(text: String) {
        do {
            _ = try float(text)
            Issue.record("\(text) was taken")
        } catch {
            #expect((error as? VecStoreError)?.code == .notFinite)
        }
    }

    @Test(arguments: [
        (#""a\"b" x"#, #""a\"b""#), (#"{"a":[1,{"b":"}]"}]} ,"#, #"{"a":[1,{"b":"}]"}]}"#), ("12.5e3,", "12.5e3"), ("true}", "true"),
        (" [ ] ]", "[ ]"), (#""\\""#, #""\\""#),
    ])
    func theEndOfAValueIsFound(text: String, expected: String) throws {
        let found = try Array(text.utf8).withUnsafeBufferPointer { bytes throws(VecStoreError) in
            var cursor = JSONCursor(bytes)
            let range = try cursor.value()
            return String(decoding: cursor.slice(range), as: UTF8.self)
        }
        #expect(found == expected)
    }

    @Test(arguments: ["", " ", #""abc"#, #""abc\"#, "[", "{", #"{"a":"}"#, "[[]", ",", "}"])
    func whatDoesNotEndIsRefused(text: String) {
        #expect(throws: VecStoreError.self) {
            try Array(text.utf8).withUnsafeBufferPointer { bytes throws(VecStoreError) in
                var cursor = JSONCursor(bytes)
                _ = try cursor.value()
            }
        }
    }
}
