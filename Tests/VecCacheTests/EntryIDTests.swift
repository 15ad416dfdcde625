// Ids of entries.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VecCache

@Suite("Entry ids")
struct EntryIDTests {
    @Test func comeBackFromTheirText() {
        let id = EntryID(high: 0x0123_4567_89ab_cdef, low: 0xfedc_ba98_7654_3210)
        #expect(id.text == "0123456789abcdeffedcba9876543210")
        #expect(EntryID(text: id.text) == id)
        #expect(EntryID(text: "0123456789ABCDEFfedcba9876543210") == id)
    }

    @Test(arguments: [
        "", "0123", "0123456789abcdeffedcba987654321g", "0123456789abcdeffedcba98765432100", "é123456789abcdeffedcba987654321",
    ])
    func areNothingElse(_ text: String) { #expect(EntryID(text: text) == nil) }

    @Test func tellWhereThePromptEndsAndTheMetadataBegin() {
        let one = EntryID(prompt: Array("ab".utf8), metadata: Array("c".utf8))
        #expect(one != EntryID(prompt: Array("a".utf8), metadata: Array("bc".utf8)))
    }

    @Test func areTheSameForTheSamePromptAndMetadata() {
        let a = EntryID(prompt: Array("hello".utf8), metadata: Array("{}".utf8))
        #expect(a == EntryID(prompt: Array("hello".utf8), metadata: Array("{}".utf8)))
        #expect(a != EntryID(prompt: Array("hello".utf8), metadata: []))
    }

    @Test func ofLongPromptsHaveTheSameLength() {
        #expect(EntryID(prompt: [UInt8](repeating: 7, count: 1 << 20), metadata: []).text.utf8.count == 32)
    }
}
