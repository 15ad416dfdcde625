// What a cache of values does, wherever they live.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecIndex

@testable import VecCache

@Suite("A cache of values")
struct ValueCacheTests {
    @Test(arguments: ValuePlace.allCases) func givesTheValueOfEachKeyInTheOrderOfTheKeys(_ place: ValuePlace) throws {
        let test = try TestValues(place)
        try test.cache.set([(bytes("a"), bytes("1")), (bytes("b"), bytes("2")), (bytes("c"), bytes("3"))])
        #expect(try test.cache.texts(["c", "x", "a", "b", "a"]) == ["3", nil, "1", "2", "1"])
        #expect(try test.cache.get([]) == [] && test.cache.delete([]) == 0)
    }

    @Test(arguments: ValuePlace.allCases) func takesAnyBytes(_ place: ValuePlace) throws {
        let test = try TestValues(place)
        let all = (0..<256).map { UInt8($0) }
        var random = Random(seed: 1)
        let pairs: [(key: [UInt8], value: [UInt8])] = [
            ([0], []), ([0, 0], [0]), (all, all), (bytes("{x}"), bytes("\r\n$3\r\n")), (bytes(String(repeating: "k", count: 64)), [1]),
            (bytes(String(repeating: "k", count: 65)), [2]), (bytes(String(repeating: "k", count: 66)), []),
            ([UInt8](repeating: 7, count: ValueLimits.keyBytes), [9]), (bytes("large"), (0..<5_000_000).map { _ in UInt8(random.below(256)) }),
        ]
        try test.cache.set(pairs)
        #expect(try test.cache.get(pairs.map(\.key)) == pairs.map(\.value))
        // An empty value is a value.
        #expect(try test.cache.get([[0], [1]]) == [[], nil])
        #expect(try test.cache.delete(pairs.map(\.key)) == pairs.count)
    }

    @Test(arguments: ValuePlace.allCases) func aLaterValueTakesThePlaceOfAnEarlierOne(_ place: ValuePlace) throws {
        let test = try TestValues(place)
        try test.cache.put("a", "1", ttl: .milliseconds(100))
        try test.cache.put("a", "2", ttl: .forever)
        try test.cache.set([(bytes("b"), bytes("1")), (bytes("b"), bytes("2"))])
        test.pass(150)
        #expect(try test.cache.texts(["a", "b"]) == ["2", "2"])
    }

    @Test(arguments: ValuePlace.allCases) func aValueIsGoneFromItsEndOn(_ place: ValuePlace) throws {
        let test = try TestValues(place) { $0.ttl = 300 }
        try test.cache.put("short", "1", ttl: .milliseconds(100))
        try test.cache.put("standard", "2")
        try test.cache.put("forever", "3", ttl: .forever)
        try test.cache.put("beyond all time", "4", ttl: .milliseconds(.max))
        #expect(try test.cache.texts(["short", "standard"]) == ["1", "2"])
        test.pass(110)
        #expect(try test.cache.text("short") == nil && test.cache.text("forever") == "3")
        test.pass(200)
        #expect(try test.cache.texts(["short", "standard", "forever", "beyond all time"]) == [nil, nil, "3", "4"])
        #expect(try test.cache.delete([bytes("short"), bytes("forever")]) == 1)
    }

    @Test(arguments: ValuePlace.allCases) func readingDoesNotPutOffTheEnd(_ place: ValuePlace) throws {
        let test = try TestValues(place)
        try test.cache.put("a", "1", ttl: .milliseconds(200))
        for _ in 0..<3 {
            test.pass(50)
            #expect(try test.cache.text("a") == "1")
        }
        test.pass(60)
        #expect(try test.cache.text("a") == nil)
    }

    @Test(arguments: ValuePlace.allCases) func deletedValuesAreGone(_ place: ValuePlace) throws {
        let test = try TestValues(place)
        for key in ["a", "b", "c"] { try test.cache.put(key, key) }
        #expect(try test.cache.delete([bytes("a"), bytes("x"), bytes("b"), bytes("b")]) == 2)
        #expect(try test.cache.texts(["a", "b", "c"]) == [nil, nil, "c"])
    }

    @Test(arguments: ValuePlace.allCases) func clearingLeavesOtherNamespacesAlone(_ place: ValuePlace) throws {
        let test = try TestValues(place)
        let long = String(repeating: "long", count: 50)
        let name = test.options.namespace
        // Names that would be keys or patterns of each other, if they were taken as they are.
        let others = try ["\(name):value", "\(name)*", "?\(name.dropFirst())", "[a-z]\(name.dropFirst())"].map { name in
            try test.another { $0.namespace = name }
        }
        for (i, other) in others.enumerated() {
            try other.put("a", "\(i)")
            try other.put(long, "long \(i)")
        }
        try test.cache.set((0..<2500).map { (bytes("key \($0)"), bytes("\($0)")) })
        try test.cache.put(long, "long")
        try test.cache.put("value:a", "mine")
        try test.cache.put("a", "mine")
        for other in others.dropFirst() { #expect(try other.clear() == 2) }
        #expect(try others[0].texts(["a", long]) == ["0", "long 0"])
        #expect(try test.cache.texts(["a", "value:a", long, "key 2499"]) == ["mine", "mine", "long", "2499"])
        #expect(try test.cache.clear() == 2503)
        #expect(try test.cache.texts(["a", "value:a", long, "key 0"]) == [nil, nil, nil, nil])
        #expect(try others[0].texts(["a", long]) == ["0", "long 0"])
        #expect(try test.cache.clear() == 0)
    }

    @Test(arguments: ValuePlace.allCases) func manyKeysComeAtOnce(_ place: ValuePlace) throws {
        let test = try TestValues(place)
        let keys = (0..<20_000).map { bytes("key \($0)") }
        try test.cache.set(keys.map { ($0, $0) })
        #expect(try test.cache.get(keys) == keys)
        #expect(try test.cache.delete(keys) == keys.count)
    }

    @Test(arguments: [ValuePlace.directory, .redis]) func valuesOutliveTheCache(_ place: ValuePlace) throws {
        let test = try TestValues(place)
        try test.cache.put("a", "1")
        try test.cache.put("b", "2", ttl: .milliseconds(100))
        try test.reopen()
        #expect(try test.cache.texts(["a", "b"]) == ["1", "2"])
        test.pass(150)
        #expect(try test.cache.texts(["a", "b"]) == ["1", nil])
        #expect(try test.another().text("a") == "1")
    }

    @Test(arguments: ValuePlace.allCases) func whatCannotBeIsRefusedAndNothingIsWritten(_ place: ValuePlace) throws {
        let test = try TestValues(place)
        expect(.invalidArgument) { _ = try test.cache.get([bytes("a"), []]) }
        expect(.invalidArgument) { try test.cache.set([(bytes("a"), bytes("1")), ([], bytes("2"))]) }
        expect(.invalidArgument) { _ = try test.cache.delete([[]]) }
        let long = [UInt8](repeating: 1, count: ValueLimits.keyBytes + 1)
        expect(.tooLarge) { _ = try test.cache.get([long]) }
        expect(.tooLarge) { try test.cache.set([(bytes("a"), bytes("1")), (long, bytes("2"))]) }
        expect(.tooLarge) { try test.cache.set(bytes("a"), [UInt8](repeating: 0, count: ValueLimits.valueBytes + 1)) }
        for ttl in [0, -1, Int64.min] { expect(.invalidArgument) { try test.cache.put("a", "1", ttl: .milliseconds(ttl)) } }
        #expect(try test.cache.text("a") == nil)
        try test.cache.close()
        try test.cache.close()
        expect(.invalidHandle) { _ = try test.cache.get([bytes("a")]) }
        expect(.invalidHandle) { try test.cache.put("a", "1") }
        expect(.invalidHandle) { _ = try test.cache.delete([bytes("a")]) }
        expect(.invalidHandle) { _ = try test.cache.clear() }
        expect(.invalidHandle) { _ = try test.cache.stats() }
        #expect(test.cache.health().status == .failed)
    }

    @Test func optionsAreChecked() {
        func check(_ change: (inout ValueCacheOptions) -> Void) {
            var options = ValueCacheOptions(namespace: "n")
            change(&options)
            expect(.invalidArgument) { _ = try ValueCache.open("memory:", options) }
        }
        check { $0.namespace = "" }
        check { $0.namespace = "a b" }
        check { $0.namespace = "{a}" }
        check { $0.ttl = 0 }
        check { $0.maxEntries = 0 }
        check { $0.maxBytes = 0 }
        check { $0.localBytes = -1 }
        check { $0.localTTL = 0 }
        expect(.invalidArgument) { _ = try ValueCache.open("", ValueCacheOptions(namespace: "n")) }
        expect(.invalidArgument) { _ = try ValueCache.open("http://x", ValueCacheOptions(namespace: "n")) }
    }

    @Test(arguments: ValuePlace.allCases) func threadsSeeNothingButWhatWasSet(_ place: ValuePlace) throws {
        let test = try TestValues(place), cache = test.cache
        let failures = Failures()
        let threads = Threads(8) { thread in
            failures.run {
                for n in 0..<100 {
                    try cache.put("own \(thread)", "\(n)")
                    try cache.put("common \(n % 7)", "common \(n % 7) by \(thread)")
                    guard try cache.text("own \(thread)") == "\(n)" else { return failures.note("\(thread) lost \(n)") }
                    for (i, text) in try cache.texts((0..<7).map { "common \($0)" }).enumerated() {
                        if let text, !text.hasPrefix("common \(i) by") { failures.note("\(i) has \(text)") }
                    }
                    if n % 10 == 0 { try cache.delete([bytes("common \(n % 7)")]) }
                }
            }
        }
        threads.join()
        #expect(failures.all == [])
        #expect(try test.cache.stats().sets == 1600)
    }

    @Test(arguments: ValuePlace.allCases) func countsWhatItDoes(_ place: ValuePlace) throws {
        let test = try TestValues(place)
        try test.cache.put("a", "1")
        try test.cache.put("b", "2")
        _ = try test.cache.texts(["a", "b", "c"])
        try test.cache.delete([bytes("a")])
        let stats = try test.cache.stats()
        #expect(stats.hits == 2 && stats.misses == 1 && stats.sets == 2 && stats.deletes == 1 && stats.storeErrors == 0)
        #expect(stats.entries == (place == .redis ? 0 : 1))
        #expect(stats.bytes == (place == .redis ? 0 : ValueLimits.overhead + 2))
        let text = try test.cache.metrics()
        let labels = "namespace=\"\(test.options.namespace)\",store=\"\(place.rawValue)\""
        #expect(text.contains("vecstore_values_lookups_total{\(labels),result=\"hit\"} 2\n"))
        #expect(text.contains("vecstore_values_lookups_total{\(labels),result=\"miss\"} 1\n"))
        #expect(text.contains("vecstore_values_sets_total{\(labels)} 2\n"))
        #expect(text.contains("vecstore_values_get_duration_seconds_count{\(labels)} 1\n"))
        #expect(text.contains("vecstore_values_redis_breaker_state{\(labels)} 0\n") == (place == .redis))
        #expect(test.cache.health().text == #"{"status":"ok","reasons":[]}"#)
        expect(.invalidArgument) { _ = try ValueMetrics.text([test.cache, test.cache]) }
        #expect(try ValueMetrics.text([]) == "")
    }
}
