// Indexes of fields when there is no memory.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct FieldMemoryTests {
    /// The hook is that of all threads: a process of its own.
    @Test func aRowThatCouldNotBeSetHasNoValues() async {
        await #expect(processExitsWith: .success) {
            let keywords = try KeywordIndex()
            let integers = try IntegerIndex()
            let places = try GeoIndex()
            let bools = BoolIndex()
            let presence = try PresenceIndex()
            var models = [RowModel<Int>](repeating: RowModel(rowCount: 20_000), count: 5)
            var failures = [0, 0, 0, 0, 0]
            var random = Random(seed: 3)
            for step in 0..<30_000 {
                // Often with too little memory for a while, then with enough: what was put off is done then.
                let isScarce = step / 500 % 2 == 0
                let row = UInt32(step < 20_000 ? step : random.below(20_000))
                let new = (0..<random.below(4)).map { _ in random.below(step % 2 == 0 ? 3 : 5000) }
                let sets: [() throws -> Void] = [
                    { try keywords.set(row: row, values: new.map { "\($0)" }) },
                    { try integers.set(row: row, values: new.map { Int64($0) }) },
                    { try places.set(row: row, values: new.map { try GeoPoint(lon: Double($0) / 100, lat: 1) }) },
                    { try bools.set(row: row, values: new.map { $0 == 0 }) },
                    { try presence.set(row: row, count: new.count, isNull: false) },
                ]
                for (i, set) in sets.enumerated() {
                    let salt = random.next()
                    Buffer.isDenied = { size in isScarce && (UInt64(size) &* 0x9e37_79b9 ^ salt) % 3 > 0 }
                    defer { Buffer.isDenied = nil }
                    do {
                        try set()
                        models[i].values[row] = new
                    } catch let error as VecStoreError {
                        try #require(error.code == .outOfMemory)
                        models[i].values[row] = nil
                        failures[i] += 1
                    }
                }
            }
            try #require(failures.allSatisfy { $0 > 0 }, "\(failures)")
            for value in [0, 1, 7, 4999] {
                let found = try RowSet.rows(20_000) { keywords.addRows(equalTo: "\(value)", to: $0) }
                try #require(found == models[0].rows { $0 == value })
                let numbers = try RowSet.rows(20_000) { integers.addRows(equalTo: Int64(value), to: $0) }
                try #require(numbers == models[1].rows { $0 == value })
                let lon = Double(value) / 100
                let box = GeoBox(southWest: try GeoPoint(lon: lon, lat: 0), northEast: try GeoPoint(lon: lon + 1, lat: 2))
                let near = try RowSet.rows(20_000) { places.addRows(in: box, to: $0) }
                try #require(near == models[2].rows { $0 >= value && $0 <= value + 100 })
            }
            let zeros = try RowSet.rows(20_000) { bools.addRows(equalTo: true, to: $0) }
            try #require(zeros == models[3].rows { $0 == 0 })
            let present = try RowSet.rows(20_000) { presence.addPresentRows(to: $0) }
            try #require(present == models[4].rows { _ in true })
            let counts = try keywords.counts(among: nil)
            try #require(counts.reduce(0) { $0 + $1.count } == models[0].values.values.reduce(0) { $0 + Set($1).count })
        }
    }
}
