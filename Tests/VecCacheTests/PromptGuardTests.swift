// Prompts that are near and do not mean the same.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCache

@Suite("Prompt guard")
struct PromptGuardTests {
    private func agree(_ a: String, _ b: String) -> Bool {
        let one = PromptSigns(a.utf8), other = PromptSigns(b.utf8)
        #expect(one.agree(with: other) == other.agree(with: one))
        return one.agree(with: other)
    }

    @Test(arguments: [
        ("population of France in 2019", "population of France in 2021"),
        ("convert 10 miles", "convert 100 miles"),
        ("what is 1,000 euros in dollars", "what is 1000.5 euros in dollars"),
        ("upgrade from version 3.1 to 4", "upgrade from version 3.10 to 4"),
        ("two tickets to the show", "three tickets to the show"),
    ])
    func numbersDiffer(_ a: String, _ b: String) { #expect(!agree(a, b)) }

    @Test(arguments: [
        ("is it safe to take with food", "is it not safe to take with food"),
        ("can I travel with a visa", "can I travel without a visa"),
        ("why does the test pass", "why doesn't the test pass"),
        ("why does it work", "why dont it work"),
        ("darf ich hier parken", "darf ich hier nicht parken"),
    ])
    func negationDiffers(_ a: String, _ b: String) { #expect(!agree(a, b)) }

    @Test(arguments: [
        ("how do I enable the firewall", "how do I disable the firewall"),
        ("install the package", "uninstall the package"),
        ("sort in ascending order", "sort in descending order"),
        ("encrypting files at rest", "decrypting files at rest"),
    ])
    func oppositesDiffer(_ a: String, _ b: String) { #expect(!agree(a, b)) }

    @Test(arguments: [
        ("what is the capital of France?", "what is the capital of Germany?"),
        ("how do I connect to PostgreSQL", "how do I connect to MySQL"),
        ("the price of gpt-4", "the price of gpt-3.5"),
        ("read a file in C++", "read a file in C"),
        ("open report_2.txt", "open report_3.txt"),
        ("German-Swedish dictionary for the dict server/client", "English-Swedish dictionary for the dict server/client"),
        ("Noto Serif Condensed Black", "Noto Serif Sinhala Condensed Black"),
        ("PNG loading addon for Allegro 4", "JPG loading addon for Allegro 4"),
        ("Introspection data for GnomeRR (GTK 4)", "Introspection data for GnomeBG (GTK 4)"),
        ("the localization of Firefox ESR in Finnish.", "the localization of Firefox ESR in Swedish (Sweden)."),
        ("what does \"dry run\" mean", "what does \"cold start\" mean"),
        ("what does the word 'set' mean", "what does the word 'get' mean"),
    ])
    func namesDiffer(_ a: String, _ b: String) { #expect(!agree(a, b)) }

    @Test(arguments: [
        ("How do I reset my password?", "I forgot my password, how can I reset it?"),
        ("What is the capital of France?", "tell me the capital of france"),
        ("How tall is the Eiffel Tower?", "The Eiffel Tower: how tall is it?"),
        ("what costs 1,000 dollars", "what costs 1000 dollars"),
        ("three tickets", "3 tickets"),
        ("use Node.js streams", "how to use streams in NodeJS"),
        ("Python's lists", "lists in Python"),
        ("the price of GPT-4", "the price of GPT 4"),
        ("This package provides the Python3 package.", "This package for Python 3."),
        ("This is a blade adapter for QUnit JS testing framework.", "Blade adapter for the QUnit JavaScript testing framework"),
        ("Developer documentation for AppStream", "This package provides developer documentation for AppStream."),
        ("An application to assist with editing IMAP Sieve filters.", "IMAP Sieve filter editor"),
        ("why isn't it working", "why does it not work"),
        ("How To Cook Rice In A Pot", "how to cook rice in a pot"),
        ("what does \"dry run\" mean", "meaning of dry run"),
        ("what's it, don't you know", "what's it, don’t you know"),
    ])
    func paraphrasesAgree(_ a: String, _ b: String) { #expect(agree(a, b)) }

    @Test func aGuardedCacheRefusesAndCounts() throws {
        let test = try TestCache { $0.guardsPrompts = true }
        try test.set("population of France in 2019", at: 0)
        try test.set("how many people lived in France in 2021", at: 20)
        #expect(try test.get("population of France in 2021", at: 0) == "response to how many people lived in France in 2021")
        #expect(try test.get("population of Spain in 2019", at: 0) == nil)
        #expect(try test.cache.stats().guardRefusals == 3)
        // The same prompt needs no guard, and no prompt cannot have one.
        #expect(try test.get("population of France in 2019", at: 90) != nil)
        #expect(try test.get(at: 0) != nil)
    }

    @Test func aLookupAmongManyThatDoNotAgreeEndsSoon() throws {
        let test = try TestCache { $0.guardsPrompts = true }
        for i in 0..<500 { try test.set("number \(i)", at: Double(i) / 1000) }
        #expect(try test.get("number 1000", at: 0) == nil)
        #expect(try test.cache.stats().guardRefusals == 64)
        #expect(try test.get("number 7, please", at: 0) == "response to number 7")
    }

    private static let alphabet = Array("\"'`“’.,-_+#1aA ".utf8)

    @Test func anyBytesAreTaken() {
        var random = Random(seed: 8)
        for _ in 0..<2000 {
            let bytes = (0..<random.below(40)).map { _ -> UInt8 in
                let sign = PromptGuardTests.alphabet[random.below(PromptGuardTests.alphabet.count)]
                return random.below(3) == 0 ? UInt8(truncatingIfNeeded: random.next()) : sign
            }
            let signs = PromptSigns(bytes)
            #expect(signs.agree(with: PromptSigns(bytes)))
        }
    }
}
