// Paths of payloads: how they are written, what they find, and that one path has one text.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecIndex

@testable import VecCollection

struct PayloadPathTests {
    private func found(_ path: String, _ text: String) throws -> [Int64?] {
        let document = try payload(text)
        defer { withExtendedLifetime(document) {} }
        var values: [Int64?] = []
        try PayloadPath(path).forEachValue(in: document.root) { value in
            values.append(value.integer)
            return false
        }
        return values
    }

    @Test func keysGoIntoObjects() throws {
        #expect(try found("a", #"{"a": 1}"#) == [1])
        #expect(try found("a.b.c", #"{"a": {"b": {"c": 2}}}"#) == [2])
        #expect(try found("a.b", #"{"a": {"c": 1}}"#).isEmpty)
        #expect(try found("a.b", #"{"a": 1}"#).isEmpty)
        #expect(try found("b", #"{"a": 1}"#).isEmpty)
    }

    @Test func bracketsGoIntoArrays() throws {
        #expect(try found("a[]", #"{"a": [1, 2, 3]}"#) == [1, 2, 3])
        #expect(try found("a[].b", #"{"a": [{"b": 1}, {"c": 2}, 3, {"b": 4}]}"#) == [1, 4])
        #expect(try found("a.b[].c", #"{"a": {"b": [{"c": 1}, {"c": 2}]}}"#) == [1, 2])
        #expect(try found("a[][]", #"{"a": [[1, 2], 3, [4]]}"#) == [1, 2, 4])
        #expect(try found("a[1].b", #"{"a": [{"b": 1}, {"b": 2}]}"#) == [2])
        #expect(try found("a[7]", #"{"a": [1]}"#).isEmpty)
    }

    @Test func withoutBracketsAnArrayIsOneValue() throws {
        #expect(try found("a", #"{"a": [1, 2]}"#) == [nil])
        #expect(try found("a.b", #"{"a": [{"b": 1}]}"#).isEmpty)
        #expect(try found("a[]", #"{"a": {"b": 1}}"#).isEmpty)
        #expect(try found("a[0]", #"{"a": {"0": 1}}"#).isEmpty)
    }

    @Test func quotesTakeSignsForWhatTheyAre() throws {
        #expect(try found(#""a.b".c"#, #"{"a.b": {"c": 1}}"#) == [1])
        #expect(try found(#""""#, #"{"": 1}"#) == [1])
        #expect(try found(#""a b[]""#, #"{"a b[]": 1}"#) == [1])
        #expect(try found(#""say \"\\""#, #"{"say \"\\": 1}"#) == [1])
        #expect(try found("größe", #"{"größe": 1}"#) == [1])
    }

    @Test func aVisitEndsWhereItIsTold() throws {
        let document = try payload(#"{"a": [[1, 2], [3, 4]]}"#)
        defer { withExtendedLifetime(document) {} }
        var values: [Int64?] = []
        try PayloadPath("a[][]").forEachValue(in: document.root) { value in
            values.append(value.integer)
            return values.count == 3
        }
        #expect(values == [1, 2, 3])
    }

    @Test func onePathHasOneText() throws {
        for text in ["a", "a.b", "a[].b", "a.b[].c[3]", #""a.b".c"#, #""""#, #""a b""#, #"a."\"\\""#, "content-type", "größe"] {
            #expect(try PayloadPath(text).description == text)
        }
        #expect(try PayloadPath(#""a"."b"[007]"#).description == "a.b[7]")
        #expect(try PayloadPath(#""a".b"#) == PayloadPath("a.b"))
        #expect(try PayloadPath("e\u{301}") != PayloadPath("\u{e9}"))
    }

    @Test(arguments: [
        ("", 0), (".a", 0), ("a.", 2), ("a..b", 2), ("[]", 0), ("a[", 2), ("a[1", 3), ("a[-1]", 2), ("a[x]", 2), ("a b", 1),
        ("a]", 1), (#""a"#, 2), (#""a"b"#, 3), (#""\n""#, 2), ("a[99999999999999999999]", 22), ("a\\b", 1), (#"a"b""#, 1),
    ])
    func whatIsNoPathIsRefusedWithItsByte(_ text: String, _ place: Int) {
        let message = message { () throws(VecStoreError) in try PayloadPath(text) }
        #expect(message.hasPrefix("the key '\(text)': "))
        #expect(message.hasSuffix("at byte \(place)"))
    }

    @Test func longPathsAreRefused() throws {
        let most = CollectionLimits.nameBytes
        #expect(try PayloadPath(String(repeating: "a", count: most)).steps.count == 1)
        let message = message { () throws(VecStoreError) in try PayloadPath(String(repeating: "a", count: most + 1)) }
        #expect(message.contains("at most \(most) are allowed"))
    }

    @Test func elementsAreAskedForOnce() throws {
        #expect(try PayloadPath("a.b").ofElements.description == "a.b[]")
        #expect(try PayloadPath("a.b[]").ofElements.description == "a.b[]")
        #expect(try PayloadPath("a[]").appending(PayloadPath("b.c")).description == "a[].b.c")
    }
}
