// Checks of the kernels over 4-bit codes in blocks of 32 rows, against one row after the other.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

let listCodeChecks = [
    check("list codes: sums of table values, exact, for one query and for two", sums),
    check("list codes: the largest sums, and codes that name each value of each table", extremes),
    check("list codes: what is at most the limit, with its value, in order; never NaN", select),
]

private func check(
    _ name: String, _ body: @escaping @Sendable (ListCodeKernels, Extent, inout Findings) -> Void
) -> KernelCheck {
    KernelCheck(name: name) { table, extent in
        var findings = Findings()
        body(table.listCodes, extent, &findings)
        return findings.failures
    }
}

/// Codes of some blocks, with bytes between the blocks that nobody may use.
private struct Blocks {
    let count: Int
    let groups: Int
    let stride: Int
    let codes: [UInt8]

    /// - Parameter code: The code of a row for a table.
    init(_ count: Int, groups: Int, gap: Int, code: (_ row: Int, _ table: Int) -> Int) {
        self.count = count
        self.groups = groups
        stride = 64 * groups + gap
        // Nothing lies behind the last block.
        var codes = [UInt8](repeating: 0xEE, count: count == 0 ? 0 : stride * (count - 1) + 64 * groups)
        for block in 0..<count {
            for table in 0..<(4 * groups) {
                for row in 0..<16 {
                    let low = code(32 * block + row, table), high = code(32 * block + row + 16, table)
                    codes[block * stride + 16 * table + row] = UInt8(low | high << 4)
                }
            }
        }
        self.codes = codes
    }

    func sums(_ tables: [UInt8]) -> [Int32] {
        (0..<(32 * count)).map { row in
            var sum: Int32 = 0
            for table in 0..<(4 * groups) {
                let byte = codes[row / 32 * stride + 16 * table + row % 16]
                sum += Int32(tables[16 * table + Int(row % 32 < 16 ? byte & 15 : byte >> 4)])
            }
            return sum
        }
    }
}

/// Memory for the arguments of both kernels of sums.
private struct SumMemory {
    let codes: FencedMemory
    let tables: [FencedMemory]
    let sums: [FencedMemory]

    init(_ extent: Extent) {
        codes = FencedMemory(5 * (64 * 4096 + 100), extent)
        tables = (0..<2).map { _ in FencedMemory(64 * 4096 + 100, extent) }
        sums = (0..<2).map { _ in FencedMemory(1 << 12, extent) }
    }

    /// Runs both kernels, everything right before a fence or a few bytes behind one.
    func compare(
        _ kernels: ListCodeKernels, _ blocks: Blocks, _ a: [UInt8], _ b: [UInt8], atEnd: Bool, offset: Int,
        _ what: String, _ findings: inout Findings
    ) {
        let start = codes.put(blocks.codes, atEnd: atEnd, offset: offset).assumingMemoryBound(to: UInt8.self)
        let tablesA = tables[0].put(a, atEnd: atEnd, offset: offset).assumingMemoryBound(to: UInt8.self)
        let tablesB = tables[1].put(b, atEnd: atEnd, offset: offset).assumingMemoryBound(to: UInt8.self)
        let size = 4 * 32 * blocks.count
        let want = [blocks.sums(a), blocks.sums(b)]
        func expect(_ out: GuardedOutput, _ want: [Int32], _ kernel: String) {
            let got = out.values(Int32.self, want.count)
            let wrong = want.indices.first { got[$0] != want[$0] }
            findings.expect(
                wrong == nil, "\(what), \(kernel): row \(wrong ?? 0): \(got[wrong ?? 0]), not \(want[wrong ?? 0])")
            findings.expect(out.isIntact, "\(what), \(kernel): writes outside its output")
        }
        let alone = GuardedOutput(sums[0], size: size, atEnd: atEnd, offset: 4)
        kernels.sums(start, blocks.stride, blocks.count, blocks.groups, tablesA, alone.pointer(to: Int32.self))
        expect(alone, want[0], "one query")
        let first = GuardedOutput(sums[0], size: size, atEnd: atEnd, offset: 4)
        let second = GuardedOutput(sums[1], size: size, atEnd: atEnd, offset: 4)
        kernels.sums2(
            start, blocks.stride, blocks.count, blocks.groups, tablesA, tablesB, first.pointer(to: Int32.self),
            second.pointer(to: Int32.self))
        expect(first, want[0], "first of two queries")
        expect(second, want[1], "second of two queries")
    }
}

/// Seed: 51.
private func sums(_ kernels: ListCodeKernels, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 51)
    let memory = SumMemory(extent)
    for groups in extent == .full ? [1, 2, 3, 5, 24, 63, 64, 65, 257, 300, 1100] : [1, 2, 3, 24, 65] {
        for count in [0, 1, 2, 3, 5] {
            for gap in [0, 1 + random.below(70)] {
                let blocks = Blocks(count, groups: groups, gap: gap) { _, _ in random.below(16) }
                let a = (0..<(64 * groups)).map { _ in random.byte() }
                let b = (0..<(64 * groups)).map { _ in random.byte() }
                memory.compare(
                    kernels, blocks, a, b, atEnd: random.below(2) == 0, offset: random.below(64),
                    "\(groups) groups, \(count) blocks, \(gap) bytes between", &findings)
            }
        }
    }
}

/// Seed: 52.
private func extremes(_ kernels: ListCodeKernels, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 52)
    let memory = SumMemory(extent)
    for groups in extent == .full ? [1, 64, 65, 128, 300, 1100, 4096] : [1, 64, 65] {
        let blocks = Blocks(2, groups: groups, gap: 0) { _, _ in random.below(16) }
        let full = [UInt8](repeating: 255, count: 64 * groups)
        // Even rows have the largest sums, odd ones none, and the other way round.
        let halves = (0..<(64 * groups)).map { UInt8($0 % 2 == 0 ? 255 : 0) }
        let even = Blocks(1, groups: groups, gap: 0) { row, _ in row % 2 }
        let odd = Blocks(1, groups: groups, gap: 0) { row, _ in (row + 1) % 2 }
        for atEnd in [false, true] {
            memory.compare(kernels, blocks, full, halves, atEnd: atEnd, offset: 1, "\(groups) groups of 255", &findings)
            memory.compare(kernels, even, full, halves, atEnd: atEnd, offset: 3, "\(groups) groups, even", &findings)
            memory.compare(kernels, odd, halves, full, atEnd: atEnd, offset: 3, "\(groups) groups, odd", &findings)
        }
    }
    // A single value that is not 0: its row and no other has it.
    let groups = 2
    for table in 0..<(4 * groups) {
        for value in 0..<16 {
            var tables = [UInt8](repeating: 0, count: 64 * groups)
            tables[16 * table + value] = 200
            let one = random.below(32)
            let blocks = Blocks(1, groups: groups, gap: 0) { row, t in
                row == one ? (t == table ? value : (value + 1) % 16) : (value + 1 + (row + t) % 15) % 16
            }
            memory.compare(
                kernels, blocks, tables, tables, atEnd: true, offset: 0, "table \(table), value \(value)", &findings)
        }
    }
}

/// Arguments of one selection, and what it must find.
private struct Selection {
    let sums: [Int32]
    let offsets: [Float]?
    let factors: [Float]?
    let scale: Float
    let shift: Float
    let base: Float

    var values: [Double] {
        sums.indices.map { i in
            let scaled = Double(scale) * Double(sums[i]) + Double(shift)
            return Double(base) + Double(offsets?[i] ?? 0) + Double(factors?[i] ?? 1) * scaled
        }
    }
}

/// Small integers, whose values are exact, and fractions, where kernels round in their own ways. Seed: 53.
private func select(_ kernels: ListCodeKernels, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 53)
    let memory = (0..<3).map { _ in FencedMemory(1 << 13, extent) }
    let positionMemory = FencedMemory(1 << 13, extent), valueMemory = FencedMemory(1 << 13, extent)
    for count in [0] + extent.dimensions {
        for (exact, hasOffsets, hasFactors) in [
            (true, true, true), (true, false, true), (true, true, false), (true, false, false), (false, true, true),
            (false, true, false), (false, false, true), (false, false, false),
        ] {
            func number() -> Float { exact ? Float(random.below(17) - 8) : Float(random.unit()) }
            func column() -> [Float] {
                var column = (0..<count).map { _ in number() }
                if count > 2 { column[random.below(count)] = .nan }
                return column
            }
            // Fractions: sums up to 2^20, scaled to at most 1; values of at most 4.
            let selection = Selection(
                sums: (0..<count).map { _ in Int32(exact ? random.below(33) : random.below(1 << 20)) },
                offsets: hasOffsets ? column() : nil, factors: hasFactors ? column() : nil,
                scale: exact ? 2 : Float(random.unit()) * 0x1p-20, shift: number(), base: number())
            let values = selection.values
            // Blocks begin one behind the other, or with something between.
            let gap = 4 * random.below(3)
            func put(_ column: [Float], _ memory: FencedMemory, atEnd: Bool, offset: Int) -> UnsafePointer<Float> {
                var laid: [Float] = []
                for block in stride(from: 0, to: count, by: 32) {
                    laid += column[block..<min(block + 32, count)]
                    if block + 32 < count { laid += [Float](repeating: -1000, count: gap) }
                }
                return memory.put(laid, atEnd: atEnd, offset: offset)
            }
            for (i, limit) in [Float(0), 0.5, 3, -3, 30, .infinity, -.infinity, .nan].enumerated() {
                let atEnd = i % 3 != 0
                let columns = "\(hasOffsets ? "offsets" : "no offsets"), \(hasFactors ? "factors" : "no factors")"
                let what = "\(count) \(exact ? "integers" : "fractions"), \(columns), limit \(limit)"
                let room = 4 * ((count + 31) / 32 * 32)
                let positions = GuardedOutput(positionMemory, size: room, atEnd: atEnd, offset: 4)
                let out = GuardedOutput(valueMemory, size: room, atEnd: atEnd, offset: 8)
                let found = kernels.select(
                    memory[0].put(selection.sums, atEnd: atEnd, offset: 4),
                    selection.offsets.map { put($0, memory[1], atEnd: atEnd, offset: 8) },
                    selection.factors.map { put($0, memory[2], atEnd: atEnd, offset: 12) }, 4 * (32 + gap), count,
                    selection.scale, selection.shift, selection.base, limit, positions.pointer(to: UInt32.self),
                    out.pointer(to: Float.self))
                findings.expect(positions.isIntact && out.isIntact, "\(what): writes outside its output")
                guard 0...count ~= found else {
                    findings.expect(false, "\(what): says that it found \(found)")
                    continue
                }
                let got = positions.values(UInt32.self, found).map { Int($0) }
                let gotValues = out.values(Float.self, found)
                // Four roundings of numbers up to 4.
                let tolerance = exact ? 0 : 0x1p-20
                let sure = values.indices.filter { values[$0] <= Double(limit) - tolerance }
                let possible = values.indices.filter { values[$0] <= Double(limit) + tolerance }
                findings.expect(zip(got, got.dropFirst()).allSatisfy { $0 < $1 }, "\(what): \(got) is not in order")
                findings.expect(Set(sure).isSubset(of: got), "\(what): \(got) lacks some of \(sure)")
                findings.expect(Set(got).isSubset(of: possible), "\(what): \(got) has more than \(possible)")
                for (position, value) in zip(got, gotValues) where position < count {
                    findings.expect(
                        abs(Double(value) - values[position]) <= tolerance,
                        "\(what): the value at \(position) is \(value), not \(values[position])")
                    findings.expect(value <= limit, "\(what): the value at \(position) is \(value)")
                }
            }
        }
    }
}
