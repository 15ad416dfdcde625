// Checks of the kernels that make tables of 16 entries, against one entry after the other.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

let listTableChecks = [
    check("list tables: sums of four elements with all signs", signs),
    check("list tables: products with 16 centroids of each part", products),
    check("list tables: bytes that count from the least of their table, all in one step", round),
    check("list tables: tables of one value alone", constants),
]

private func check(
    _ name: String, _ body: @escaping @Sendable (KernelTable, Extent, inout Findings) -> Void
) -> KernelCheck {
    KernelCheck(name: name) { table, extent in
        var findings = Findings()
        body(table, extent, &findings)
        return findings.failures
    }
}

/// Seed: 64.
private func signs(_ table: KernelTable, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 64)
    let input = FencedMemory(1 << 13, extent), output = FencedMemory(1 << 15, extent)
    for dimension in extent.dimensions {
        let x = (0..<dimension).map { _ in Float(random.unit()) }, tables = (dimension + 3) / 4
        for (offset, atEnd) in [(0, true), (4, false)] {
            let room = GuardedOutput(output, size: 64 * tables, atEnd: atEnd, offset: offset)
            table.listTables.signs(input.put(x, atEnd: atEnd, offset: offset), dimension, room.pointer(to: Float.self))
            let got = room.values(Float.self, 16 * tables)
            for i in 0..<(16 * tables) {
                var want = 0.0, terms = 0.0
                for j in 0..<4 where 4 * (i / 16) + j < dimension {
                    let half = Double(x[4 * (i / 16) + j]) / 2
                    want += i >> j & 1 == 1 ? half : -half
                    terms += abs(half)
                }
                findings.expect(
                    abs(Double(got[i]) - want) <= 0x1p-22 * terms, "dim \(dimension), entry \(i): \(got[i]), not \(want)")
            }
            findings.expect(room.isIntact, "dim \(dimension): writes outside its output")
        }
    }
}

/// Parts of one size or of two that differ by one. Seed: 65.
private func products(_ table: KernelTable, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 65)
    let lanes = table.subspaces.lanes
    let input = FencedMemory(1 << 13, extent), output = FencedMemory(1 << 14, extent)
    for (dimension, parts) in [(1, 1), (2, 1), (5, 2), (9, 9), (16, 2), (31, 1), (64, 20), (100, 33), (96, 12), (384, 96)] {
        let starts = (0...parts).map { $0 * dimension / parts }
        let x = (0..<dimension).map { _ in Float(random.unit()) }
        // Centroid c of the part that element d belongs to has its element there at 16 · d + c.
        let centroids = (0..<(16 * dimension)).map { _ in Float(random.unit()) }
        var panels = [Float](repeating: 0, count: 16 * dimension)
        for t in 0..<parts {
            let count = starts[t + 1] - starts[t]
            for k in 0..<count {
                for c in 0..<16 {
                    panels[16 * starts[t] + (c / lanes * count + k) * lanes + c % lanes] = -centroids[16 * (starts[t] + k) + c]
                }
            }
        }
        // Nothing lies behind the last panel.
        let memory = FencedMemory(64 * dimension + 4, extent)
        for (offset, atEnd) in [(0, true), (4, false)] {
            let first = memory.put(panels, atEnd: atEnd, offset: offset)
            let addresses = (0..<parts).map { first + 16 * starts[$0] }
            let room = GuardedOutput(output, size: 64 * parts, atEnd: atEnd, offset: offset)
            table.listTables.products(
                input.put(x, atEnd: atEnd, offset: offset), starts, addresses, parts, room.pointer(to: Float.self))
            let got = room.values(Float.self, 16 * parts)
            for t in 0..<parts {
                for c in 0..<16 {
                    let terms = (starts[t]..<starts[t + 1]).map { Double(x[$0]) * Double(centroids[16 * $0 + c]) }
                    let want = terms.reduce(0, +), size = terms.reduce(0) { $0 + abs($1) }
                    findings.expect(
                        abs(Double(got[16 * t + c]) - want) <= Double(terms.count) * 0x1p-23 * size,
                        "dim \(dimension), part \(t) of \(parts), centroid \(c): \(got[16 * t + c]), not \(want)")
                }
            }
            findings.expect(room.isIntact, "dim \(dimension), \(parts) parts: writes outside its output")
        }
    }
}

/// Seed: 66.
private func round(_ table: KernelTable, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 66)
    let values = FencedMemory(1 << 14, extent), output = FencedMemory(1 << 12, extent)
    for tables in Array(1...18) + [31, 64, 96, 97] {
        for size in [Float(1), 0x1p100, 0x1p-60] {
            // Some tables are far wider than others, and all lie somewhere else.
            let entries = (0..<tables).flatMap { _ in
                let width = Float(random.below(20) + 1) * size, place = Float(random.unit()) * 30 * size
                return (0..<16).map { _ in place + Float(random.unit()) * width }
            }
            let all = (0..<tables).map { Array(entries[(16 * $0)..<(16 * $0 + 16)]) }
            let leasts = all.map { $0.min() ?? 0 }
            let widest = all.map { ($0.max() ?? 0) - ($0.min() ?? 0) }.max() ?? 0
            for (offset, atEnd) in [(0, true), (4, false)] {
                let filled = (tables + 3) / 4 * 64
                let room = GuardedOutput(output, size: filled, atEnd: atEnd, offset: offset)
                let work = GuardedOutput(values, size: 64 * tables, atEnd: atEnd, offset: offset)
                for (i, entry) in entries.enumerated() { work.pointer(to: Float.self)[i] = entry }
                var shift: Float = 0
                let width = table.listTables.round(
                    work.pointer(to: Float.self), tables, room.pointer(to: UInt8.self), &shift)
                findings.expect(width == widest, "\(tables) tables: the widest is \(width), not \(widest)")
                let sum = leasts.reduce(0.0) { $0 + Double($1) }, terms = leasts.reduce(0.0) { $0 + Double(abs($1)) }
                findings.expect(
                    abs(Double(shift) - sum) <= Double(tables) * 0x1p-23 * terms, "\(tables) tables: \(shift), not \(sum)")
                let got = room.values(UInt8.self, filled)
                for i in 0..<filled {
                    let want = i < 16 * tables ? Double(entries[i] - leasts[i / 16]) / Double(widest) * 255 : 0
                    // What is left of a half, two roundings may turn.
                    findings.expect(
                        abs(Double(got[i]) - want) <= 0.5 + 0x1p-14, "\(tables) tables, entry \(i): \(got[i]) for \(want)")
                }
                findings.expect(room.isIntact && work.isIntact, "\(tables) tables: writes outside its output")
            }
        }
    }
}

/// No step can tell such tables apart.
private func constants(_ table: KernelTable, _ extent: Extent, _ findings: inout Findings) {
    for tables in [1, 2, 5] {
        for value in [Float(0), -3, 0x1p60] {
            var values = [Float](repeating: value, count: 16 * tables)
            var bytes = [UInt8](repeating: 0xEE, count: (tables + 3) / 4 * 64)
            var shift: Float = 7
            let width = table.listTables.round(&values, tables, &bytes, &shift)
            findings.expect(
                width == 0 && shift == Float(tables) * value && bytes.allSatisfy { $0 == 0 },
                "\(tables) tables of \(value): width \(width), shift \(shift)")
        }
    }
}
