// The index of strings against a dictionary of rows.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import VecCollection

struct KeywordIndexTests {
    /// Frequent and rare ones, with common beginnings.
    private static func word(_ random: inout Random) -> String {
        switch random.below(4) {
        case 0: ["", "a", "b", "ä", "a\0", "ab"][random.below(6)]
        case 1: "a\(random.below(40))"
        case 2: "Straße \(random.below(500))"
        default: "\(random.next())"
        }
    }

    @Test(arguments: rowCounts) func findsWhatADictionaryFinds(rowCount: Int) throws {
        let index = try KeywordIndex()
        var model = RowModel<String>(rowCount: rowCount)
        try model.change(
            seed: UInt64(rowCount), steps: rowCount * 2, value: KeywordIndexTests.word,
            set: { try index.set(row: $0, values: $1) }, remove: { index.remove(row: $0) }
        ) { model, random throws in
            let span = rowCount
            for value in ["", "a", "a\0", "a7", "Straße 3", "missing"] {
                let expected = model.rows { $0 == value }
                #expect(try RowSet.rows(span) { index.addRows(equalTo: value, to: $0) } == expected)
                #expect(index.count(equalTo: value) == expected.count)
            }
            let some = ["b", "missing", "a1", "a1", KeywordIndexTests.word(&random)]
            #expect(try RowSet.rows(span) { index.addRows(withAny: some, to: $0) } == model.rows(some.contains))
            #expect(try RowSet.rows(span) { index.addRows(withAny: [], to: $0) } == [])
            let excluded = ["", "a", "b", "a1", "a2", "Straße 3", "missing"]
            #expect(
                try RowSet.rows(span) { try index.addRows(withOtherThan: excluded, to: $0) }
                    == model.rows { !excluded.contains($0) })
            #expect(try RowSet.rows(span) { try index.addRows(withOtherThan: [], to: $0) } == model.rows { _ in true })
            for prefix in ["", "a", "a1", "Straße", "Stra\u{df}e 4", "zz", "\(random.below(100))"] {
                #expect(
                    try RowSet.rows(span) { try index.addRows(withPrefix: prefix, to: $0) }
                        == model.rows { $0.utf8.starts(with: prefix.utf8) })
            }
        }
    }

    @Test(arguments: rowCounts) func countsWhatADictionaryCounts(rowCount: Int) throws {
        let index = try KeywordIndex()
        var model = RowModel<String>(rowCount: rowCount)
        try model.change(
            seed: UInt64(rowCount) + 1, steps: rowCount * 2, checks: 2, value: KeywordIndexTests.word,
            set: { try index.set(row: $0, values: $1) }, remove: { index.remove(row: $0) }
        ) { model, random throws in
            // All rows, nearly all, some, hardly any: some are counted by value, some by row.
            for part in [0, 1, 2, 50] {
                let set = try RowSet(span: rowCount)
                for row in 0..<rowCount where part > 0 && random.below(part) == 0 { set.insert(UInt32(row)) }
                var counts: [String: Int] = [:]
                for (row, values) in model.values where part == 0 || set.contains(row) {
                    for value in Set(values) { counts[value, default: 0] += 1 }
                }
                let expected = counts.map { FacetCount(value: $0.key, count: $0.value) }.sorted {
                    $0.count != $1.count
                        ? $0.count > $1.count : $0.value.utf8.lexicographicallyPrecedes($1.value.utf8)
                }
                #expect(try index.counts(among: part == 0 ? nil : set) == expected)
                #expect(try index.counts(among: part == 0 ? nil : set, limit: 3) == Array(expected.prefix(3)))
            }
        }
    }

    @Test func rowsOfOneValueEachAreExcludedByIt() throws {
        let index = try KeywordIndex()
        for row in 0..<UInt32(100) { try index.set(row: row, value: row % 3 == 0 ? "x" : "y\(row)") }
        let found = try RowSet.rows(100) { try index.addRows(withOtherThan: ["x", "y1"], to: $0) }
        #expect(found == (0..<100).filter { $0 % 3 != 0 && $0 != 1 })
    }

    @Test func bytesAreTakenAsTheyAre() throws {
        let index = try KeywordIndex()
        // Two ways to write one letter: for a person the same, as bytes not.
        try index.set(row: 0, value: "\u{e4}")
        try "a\u{308}".utf8.withContiguousStorageIfAvailable { try index.set(row: 1, utf8: $0) }
        #expect(try RowSet.rows(2) { index.addRows(equalTo: "\u{e4}", to: $0) } == [0])
        #expect(try RowSet.rows(2) { index.addRows(equalTo: "a\u{308}", to: $0) } == [1])
    }

    @Test func valuesThatNoRowHasAnyMoreTakeNoMemory() throws {
        let index = try KeywordIndex()
        try index.set(row: 0, value: "stays")
        for row in 1..<UInt32(50_000) {
            try index.set(row: row, values: ["value \(row)", "both"])
            if row > 10 { index.remove(row: row - 10) }
        }
        #expect(index.keys.count < 5000)
        #expect(try RowSet.rows(50_000) { index.addRows(equalTo: "value 49995", to: $0) } == [49_995])
        #expect(try RowSet.rows(50_000) { try index.addRows(withPrefix: "s", to: $0) } == [0])
        #expect(index.count(equalTo: "both") == 10)
    }
}
