// Checks of the kernels over 8-bit codes. Their products are integers, so everything but the error of a code is exact.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

let codeChecks = [
    check("codes: the largest magnitude of a row, wherever it is", largest),
    check("codes: encoding rounds to nearest, ties to even, and tells the squared error", encode),
    check("codes: products of a query code with rows of codes are exact", rows),
    check("codes: products at the ends of their range, dim 65,536", extremeRows),
    check("codes: a panel holds four elements of each vector side by side", pack),
    check("codes: products of two panels are exact", tile),
]

private func check(
    _ name: String, _ body: @escaping @Sendable (CodeKernels, Extent, inout Findings) -> Void
) -> KernelCheck {
    KernelCheck(name: name) { table, extent in
        var findings = Findings()
        body(table.codes, extent, &findings)
        return findings.failures
    }
}

/// Seed: 12.
private func largest(_ codes: CodeKernels, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 12)
    let memory = FencedMemory(1 << 13, extent)
    for dimension in extent.dimensions {
        var row = (0..<dimension).map { _ in Float(random.unit()) * 0.5 }
        for position in 0..<dimension {
            let kept = row[position]
            row[position] = position % 2 == 0 ? 1 : -1
            let got = codes.largest(memory.put(row, atEnd: position % 3 != 0, offset: 4), dimension)
            findings.expect(got == 1, "dim \(dimension), 1 at \(position): \(got)")
            row[position] = kept
        }
        for value in [0, -0.0, Float.leastNonzeroMagnitude, -0x1p-140, .greatestFiniteMagnitude] {
            let uniform = [Float](repeating: value, count: dimension)
            let got = codes.largest(memory.put(uniform, atEnd: true), dimension)
            findings.expect(got.bitPattern == abs(value).bitPattern, "dim \(dimension), all \(value): \(got)")
        }
    }
}

/// Random rows with the multiplier that makes the largest element 127, and rows of halves, all ties. Seed: 13.
private func encode(_ codes: CodeKernels, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 13)
    let input = FencedMemory(1 << 13, extent), output = FencedMemory(1 << 13, extent)
    for dimension in extent.dimensions {
        let size = Float(sign: .plus, exponent: random.below(41) - 20, significand: 1)
        let row = (0..<dimension).map { _ in Float(random.unit()) * size }
        let top = row.map(abs).max() ?? 0
        let ties = (0..<dimension).map { _ in Float(random.below(254)) - 126.5 }
        for (x, multiplier) in [(row, 127 / (top == 0 ? 1 : top)), (ties, 1)] {
            let wantCodes = x.map { UInt8(Int(($0 * multiplier).rounded(.toNearestOrEven)) + 128) }
            var wantError = 0.0, tolerance = 0.0
            for (value, code) in zip(x, wantCodes) {
                let difference = Double(value) - Double(Int(code) - 128) / Double(multiplier)
                wantError += difference * difference
                // The kernel multiplies by 1 / multiplier, rounded: the difference is off by up to 2^-22 of the value.
                let off = 0x1p-22 * abs(Double(value))
                tolerance += 2 * abs(difference) * off + off * off
            }
            tolerance += Double(max(dimension, 2)) * 0x1p-23 * wantError + Double(dimension) * 0x1p-149
            for (offset, atEnd) in [(0, true), (1, false), (3, false)] {
                let room = GuardedOutput(output, size: dimension, atEnd: atEnd, offset: offset)
                let error = codes.encode(
                    input.put(x, atEnd: atEnd, offset: 4 * offset), multiplier, dimension, room.pointer(to: UInt8.self))
                let what = "dim \(dimension), multiplier \(multiplier)"
                findings.expect(room.values(UInt8.self, dimension) == wantCodes, "\(what): wrong codes")
                findings.expect(room.isIntact, "\(what): writes outside its output")
                findings.expect(
                    abs(Double(error) - wantError) <= tolerance,
                    "\(what): error \(error), not \(wantError) ± \(tolerance)")
            }
        }
    }
}

/// Σ (code − 128) · q.
private func product(_ query: [UInt8], _ codes: [UInt8]) -> Int32 {
    Int32(zip(query, codes).reduce(0) { $0 + Int(Int8(bitPattern: $1.0)) * (Int($1.1) - 128) })
}

/// Seed: 14.
private func rows(_ codes: CodeKernels, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 14)
    let queryMemory = FencedMemory(1 << 12, extent), rowMemory = FencedMemory(1 << 15, extent)
    let output = FencedMemory(1 << 12, extent)
    for dimension in extent.dimensions {
        let query = (0..<dimension).map { _ in random.byte() }
        let rows = (0..<9).map { _ in (0..<dimension).map { _ in random.byte() } }
        for (gap, atEnd) in [(0, true), (5, true), (64, false)] {
            let stride = dimension + gap
            var block = [UInt8](repeating: 0xFF, count: 8 * stride + dimension)
            for (j, row) in rows.enumerated() { block.replaceSubrange(j * stride..<j * stride + dimension, with: row) }
            let base = rowMemory.put(block, atEnd: atEnd, offset: 1)
            let q = queryMemory.put(query, atEnd: atEnd, offset: 3)
            for count in 0...9 {
                let first = 9 - count
                let room = GuardedOutput(output, size: 4 * count, atEnd: atEnd, offset: 4)
                codes.rows(
                    q.assumingMemoryBound(to: Int8.self),
                    (base + first * stride).assumingMemoryBound(to: UInt8.self), stride, count, dimension,
                    room.pointer(to: Int32.self))
                let want = rows[first...].map { product(query, $0) }
                let what = "dim \(dimension), stride \(stride), \(count) rows"
                findings.expect(room.values(Int32.self, count) == want, "\(what): wrong")
                findings.expect(room.isIntact, "\(what): writes outside its output")
            }
        }
    }
}

private func extremeRows(_ codes: CodeKernels, _ extent: Extent, _ findings: inout Findings) {
    for dimension in [65536, 65535] {
        for q in [Int8(-128), -127, 127, 1] {
            let query = [Int8](repeating: q, count: dimension)
            for code in [UInt8(0), 1, 128, 255] {
                let block = [UInt8](repeating: code, count: 5 * dimension)
                var got = [Int32](repeating: 0, count: 5)
                codes.rows(query, block, dimension, 5, dimension, &got)
                let want = Int32(dimension * Int(q) * (Int(code) - 128))
                findings.expect(
                    got == [Int32](repeating: want, count: 5), "dim \(dimension), \(q), \(code): \(got), not \(want)")
            }
        }
    }
}

/// Byte e of vector v in group g lies at (g · vectors + v) · 4 + e.
private func panel(_ vectors: [[UInt8]], _ room: Int, _ dimension: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: (dimension + 3) / 4 * room * 4)
    for (v, vector) in vectors.enumerated() {
        for i in 0..<dimension { bytes[(i / 4 * room + v) * 4 + i % 4] = vector[i] }
    }
    return bytes
}

/// Seed: 15.
private func pack(_ codes: CodeKernels, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 15)
    let input = FencedMemory(1 << 17, extent), output = FencedMemory(1 << 17, extent)
    for dimension in extent.dimensions {
        for room in Set([codes.tileRows, codes.tileQueries, 1]).sorted() {
            for count in Set([0, 1, random.below(room + 1), room]).sorted() {
                let vectors = (0..<count).map { _ in (0..<dimension).map { _ in random.byte() } }
                for (gap, atEnd) in [(0, true), (3, true), (1, false)] {
                    let stride = dimension + gap
                    var block = [UInt8](repeating: 0xFF, count: max(0, stride * count - gap))
                    for (v, vector) in vectors.enumerated() {
                        block.replaceSubrange(v * stride..<v * stride + dimension, with: vector)
                    }
                    let want = panel(vectors, room, dimension)
                    let target = GuardedOutput(output, size: want.count, atEnd: atEnd, offset: 1)
                    codes.pack(
                        input.put(block, atEnd: atEnd, offset: 1).assumingMemoryBound(to: UInt8.self), stride, count,
                        room, dimension, target.pointer(to: UInt8.self))
                    let what = "dim \(dimension), stride \(stride), \(count) of \(room) vectors"
                    findings.expect(target.values(UInt8.self, want.count) == want, "\(what): wrong panel")
                    findings.expect(target.isIntact, "\(what): writes outside its output")
                }
            }
        }
    }
}

/// Random codes; then codes and queries at the ends of their range, dim 65,536. Seed: 16.
private func tile(_ codes: CodeKernels, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 16)
    for dimension in extent.dimensions {
        let queries = (0..<codes.tileQueries).map { _ in (0..<dimension).map { _ in random.byte() } }
        let rows = (0..<codes.tileRows).map { _ in (0..<dimension).map { _ in random.byte() } }
        for (gap, atEnd) in [(0, true), (3, false)] {
            compareTile(codes, queries, rows, dimension, gap: gap, atEnd: atEnd, extent, &findings)
        }
    }
    let dimension = 65536
    for code in [UInt8(0), 255] {
        let rows = [[UInt8]](repeating: [UInt8](repeating: code, count: dimension), count: codes.tileRows)
        let queries = (0..<codes.tileQueries).map { i in
            [UInt8](repeating: UInt8(bitPattern: i % 2 == 0 ? -128 : 127), count: dimension)
        }
        compareTile(codes, queries, rows, dimension, gap: 0, atEnd: true, extent, &findings)
    }
}

private func compareTile(
    _ codes: CodeKernels, _ queries: [[UInt8]], _ rows: [[UInt8]], _ dimension: Int, gap: Int, atEnd: Bool,
    _ extent: Extent, _ findings: inout Findings
) {
    let stride = codes.tileRows + gap
    let queryPanel = panel(queries, codes.tileQueries, dimension), rowPanel = panel(rows, codes.tileRows, dimension)
    let queryMemory = FencedMemory(queryPanel.count, extent), rowMemory = FencedMemory(rowPanel.count, extent)
    let excessMemory = FencedMemory(1, extent), output = FencedMemory(1 << 12, extent)
    let excess = queries.map { query in 128 * query.reduce(Int32(0)) { $0 + Int32(Int8(bitPattern: $1)) } }
    let size = 4 * ((codes.tileQueries - 1) * stride + codes.tileRows)
    let room = GuardedOutput(output, size: size, atEnd: atEnd, offset: 4)
    codes.tile(
        queryMemory.put(queryPanel, atEnd: true).assumingMemoryBound(to: UInt8.self),
        rowMemory.put(rowPanel, atEnd: true).assumingMemoryBound(to: UInt8.self), (dimension + 3) / 4,
        excessMemory.put(excess, atEnd: true), room.pointer(to: Int32.self), stride)
    let got = room.values(Int32.self, size / 4)
    let what = "dim \(dimension), stride \(stride)"
    for (i, query) in queries.enumerated() {
        let want = rows.map { product(query, $0) }
        findings.expect(Array(got[i * stride..<i * stride + codes.tileRows]) == want, "\(what), query \(i): wrong")
        let last = 4 * (i * stride + codes.tileRows)
        findings.expect(
            room.isUntouched(from: last, to: min(size, 4 * (i + 1) * stride)),
            "\(what), query \(i): writes into the gap")
    }
    findings.expect(room.isIntact, "\(what): writes outside its output")
}
