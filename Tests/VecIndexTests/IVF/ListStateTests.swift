// The state of one list, against an array of its rows.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import VecIndex

@Suite("Lists")
struct ListStateTests {
    private struct Row: Equatable {
        var slot: UInt32
        var numbers: [UInt8]
        var offset: Float
        var factor: Float
    }

    private static func row(_ random: inout Random, _ shape: ListCodeShape) -> Row {
        Row(
            slot: UInt32(random.below(1 << 30)), numbers: (0..<shape.numbers).map { _ in UInt8(random.below(shape.isWide ? 256 : 16)) },
            offset: shape.numbers > 0 ? random.unit() : 0, factor: shape.numbers > 0 ? random.unit() : 0)
    }

    private static func append(_ rows: [Row], to state: ListState, _ layout: ListLayout) throws -> ListState {
        try state.appending(rows.count, layout) { (block, place, i) in
            layout.write(
                block, place, slot: rows[i].slot, numbers: rows[i].numbers, count: rows[i].numbers.count,
                offset: rows[i].offset, factor: rows[i].factor)
        }
    }

    private static func rows(of state: ListState, _ layout: ListLayout, tables: Int) throws -> [Row] {
        try (0..<state.count).map { i in
            let block = try #require(state.block(i / 32, layout))
            var numbers = [UInt8](repeating: 0, count: tables)
            if tables > 0 { layout.read(block, i % 32, count: tables, &numbers) }
            return Row(
                slot: layout.slots(block)[i % 32], numbers: numbers,
                offset: tables > 0 ? layout.offsets(block)[i % 32] : 0, factor: tables > 0 ? layout.factors(block)[i % 32] : 0)
        }
    }

    @Test("a list holds what was appended and not removed, and older states stay as they are", arguments: [0, 3, 8, 97], [false, true])
    func changes(tables: Int, isWide: Bool) throws {
        let shape = ListCodeShape(numbers: tables, isWide: isWide), layout = shape.layout
        var random = Random(seed: 4711 + UInt64(tables))
        var state = ListState(), wanted: [Row] = []
        var history: [(ListState, [Row])] = []
        for step in 0..<120 {
            if random.below(3) > 0 || wanted.isEmpty {
                let new = (0..<(step % 7 == 0 ? 1 : random.below(80))).map { _ in ListStateTests.row(&random, shape) }
                state = try ListStateTests.append(new, to: state, layout)
                wanted += new
            } else {
                let places = Set((0..<random.below(wanted.count + 1)).map { _ in random.below(wanted.count) }).sorted()
                state = try state.removing(places, layout)
                for place in places.reversed() {
                    wanted[place] = wanted[wanted.count - 1]
                    wanted.removeLast()
                }
            }
            history.append((state, wanted))
            try #require(try ListStateTests.rows(of: state, layout, tables: tables) == wanted, "step \(step)")
        }
        for (step, (old, rows)) in history.enumerated() {
            try #require(try ListStateTests.rows(of: old, layout, tables: tables) == rows, "step \(step), later")
        }
    }

    @Test("places without a row hold zeros: files of the same rows are the same")
    func emptyPlaces() throws {
        let shape = ListCodeShape(numbers: 8), layout = shape.layout
        var random = Random(seed: 5)
        let rows = (0..<50).map { _ in ListStateTests.row(&random, shape) }
        let state = try ListStateTests.append(rows, to: ListState(), layout).removing([3, 17, 40, 49], layout)
        let again = try ListStateTests.append(
            ListStateTests.rows(of: state, layout, tables: 8), to: ListState(), layout)
        for b in 0..<2 {
            let one = try #require(state.block(b, layout)), other = try #require(again.block(b, layout))
            for i in 0..<layout.blockSize {
                try #require(one.load(fromByteOffset: i, as: UInt8.self) == other.load(fromByteOffset: i, as: UInt8.self))
            }
        }
    }
}
