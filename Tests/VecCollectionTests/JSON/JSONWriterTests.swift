// JSON text that is written is read again as the same.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndex

@testable import VecCollection

struct JSONWriterTests {
    @Test func commasStandBetweenValues() {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("a")
        writer.beginArray()
        writer.integer(1)
        writer.integer(UInt64.max)
        writer.string("")
        writer.beginObject()
        writer.endObject()
        writer.bool(true)
        writer.null()
        writer.endArray()
        writer.key("b")
        writer.string("x")
        writer.key("c")
        writer.raw("[1, 2]".utf8)
        writer.endObject()
        #expect(writer.text == #"{"a":[1,18446744073709551615,"",{},true,null],"b":"x","c":[1, 2]}"#)
    }

    @Test func stringsComeBackAsTheyWent() throws {
        for text in ["", "\"\\/", "a\nb\tc\rd", "\u{1}\u{1f}\u{7f}", "Grüße 🙂", "</script>", ",", "{", ":"] {
            var writer = JSONWriter()
            writer.beginArray()
            writer.string(text)
            writer.string("end")
            writer.endArray()
            let document = try withBytes(writer.bytes) { (bytes) throws(VecStoreError) in try JSONDocument(bytes, .payload) }
            #expect(document.root.elements.map(\.string) == [text, "end"])
            withExtendedLifetime(document) {}
        }
    }

    @Test func realNumbersComeBackAsTheyWent() throws {
        for number in [0, -0.5, 0.1, 1e300, .leastNonzeroMagnitude, .pi, 1e16, 123_456_789.125] {
            var writer = JSONWriter()
            writer.beginArray()
            writer.real(number)
            writer.endArray()
            let document = try withBytes(writer.bytes) { (bytes) throws(VecStoreError) in try JSONDocument(bytes, .payload) }
            #expect(document.root[0]?.real == number)
            withExtendedLifetime(document) {}
        }
    }

    @Test func whatIsNotFiniteIsNull() {
        var writer = JSONWriter()
        writer.beginArray()
        writer.real(.nan)
        writer.real(-.infinity)
        writer.endArray()
        #expect(writer.text == "[null,null]")
    }
}
