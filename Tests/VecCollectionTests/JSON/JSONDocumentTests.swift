// JSON: what is parsed, how its values are read, and what is refused before and by the parser.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndex

@testable import VecCollection

struct JSONDocumentTests {
    private func parse(_ text: String, _ rules: JSONRules = .payload) throws(VecStoreError) -> JSONDocument {
        try withBytes(text) { (bytes) throws(VecStoreError) in try JSONDocument(bytes, rules) }
    }

    private func refusal(_ bytes: [UInt8], _ rules: JSONRules = .payload) -> String {
        message { () throws(VecStoreError) in
            try withBytes(bytes) { (bytes) throws(VecStoreError) in try JSONDocument(bytes, rules) }
        }
    }

    private func refusal(_ text: String, _ rules: JSONRules = .payload) -> String { refusal(Array(text.utf8), rules) }

    @Test func eachKindOfValueIsRead() throws {
        let document = try parse(#"{"n": null, "b": true, "i": -7, "r": 2.5, "s": "é\n", "a": [1, 2], "o": {}}"#)
        let root = document.root
        #expect(root.kind == .object && root.count == 7)
        #expect(root.member("n".utf8)?.kind == .null)
        #expect(root.member("b".utf8)?.bool == true)
        #expect(root.member("i".utf8)?.integer == -7)
        #expect(root.member("i".utf8)?.real == nil)
        #expect(root.member("r".utf8)?.real == 2.5)
        #expect(root.member("s".utf8)?.string == "é\n")
        #expect(root.member("s".utf8)?.bytes.map(Array.init) == Array("é\n".utf8))
        #expect(root.member("a".utf8)?.elements.map(\.integer) == [1, 2])
        #expect(root.member("o".utf8)?.kind == .object)
        #expect(root.member("x".utf8) == nil)
        withExtendedLifetime(document) {}
    }

    @Test func membersComeInTheOrderOfTheText() throws {
        let document = try parse(#"{"z": 1, "a": 2, "": 3}"#)
        #expect(document.root.members.map { String(decoding: $0.key, as: UTF8.self) } == ["z", "a", ""])
        #expect(document.root.members.map(\.value.integer) == [1, 2, 3])
        #expect(document.root.member([])?.integer == 3)
        withExtendedLifetime(document) {}
    }

    @Test func whatAValueIsNotIsNil() throws {
        let document = try parse(#"["text"]"#)
        let text = try #require(document.root[0])
        #expect(text.integer == nil && text.real == nil && text.bool == nil && text.unsigned == nil && text.number == nil)
        #expect(text.count == 0 && text[0] == nil && text.member("a".utf8) == nil)
        #expect(Array(text.elements).isEmpty && Array(text.members).isEmpty)
        #expect(document.root[1] == nil && document.root[-1] == nil)
        withExtendedLifetime(document) {}
    }

    @Test func errorsSayWhereTheTextIsWrong() {
        #expect(refusal(#"{"a": }"#).hasPrefix("payload: no valid JSON near byte 7: "))
        #expect(refusal("").hasPrefix("payload: no valid JSON near byte 0: "))
        #expect(refusal("{", .filter).hasPrefix("filter: no valid JSON near byte 1: "))
        #expect(refusal("{} {}").contains("end of file expected"))
    }

    @Test func aKeyThatComesTwiceIsRefused() {
        #expect(refusal(#"{"a": 1, "a": 2}"#).contains("duplicate object key"))
    }

    @Test func numbersThatOverflowAreRefused() {
        #expect(refusal("[9223372036854775808]").contains("too big integer"))
        #expect(refusal("[-9223372036854775809]").contains("too big negative integer"))
        #expect(refusal("[1e999]").contains("real number overflow"))
        #expect(refusal("[" + String(repeating: "9", count: 5000) + "]", .filter).contains("too big integer"))
        #expect(refusal("[NaN]") != "no error")
    }

    @Test func textThatIsNotUTF8IsRefused() {
        for bytes: [UInt8] in [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80]] {
            #expect(refusal([0x22] + bytes + [0x22]).contains("unable to decode byte"))
        }
        #expect(refusal(#""\ud800""#) != "no error")
    }

    @Test func theCharacterZeroIsRefused() {
        #expect(refusal(#"["a", "\u0000"]"#).contains("U+0000 at byte 7"))
        #expect(refusal(#"{"\u0000": 1}"#, .filter).contains("U+0000 at byte 2"))
        #expect(refusal([0x22, 0, 0x22]) != "no error")
        // A backslash that is escaped itself.
        #expect(refusal(#""\\u0000""#) == "no error")
    }

    @Test func nestingIsCountedBeforeItIsParsed() {
        let deepest = CollectionLimits.payloadDepth
        func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(refusal(nested(deepest)) == "no error")
        #expect(refusal(nested(deepest + 1)).contains("more than \(deepest) arrays and objects within each other at byte \(deepest)"))
        #expect(refusal(String(repeating: "[", count: 100_000)).contains("within each other"))
        #expect(refusal(String(repeating: #"{"a":"#, count: 100_000)).contains("within each other"))
        #expect(refusal(String(repeating: "]", count: 100) + nested(65)).contains("within each other"))
        #expect(refusal("[\"" + String(repeating: "[{\\\"", count: 1000) + "\"]") == "no error")
        #expect(refusal("[" + String(repeating: "[],", count: 1000) + "[]]") == "no error")
    }

    @Test func tooManyBytesAreRefused() {
        let rules = JSONRules(noun: "text", bytes: 4, depth: 8)
        #expect(refusal("[ ]", rules) == "no error")
        #expect(refusal("[   ]", rules) == "text: 5 bytes, where at most 4 are allowed")
    }

    @Test func aPayloadIsAnObject() {
        #expect(message { () throws(VecStoreError) in try payload(#"{"a": 1}"#) } == "no error")
        for (text, name) in [("[]", "an array"), ("7", "an integer"), ("null", "null"), (#""a""#, "a string")] {
            #expect(message { () throws(VecStoreError) in try payload(text) } == "payload: \(name), where an object is expected")
        }
    }
}
