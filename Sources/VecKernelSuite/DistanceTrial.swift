// Runs the four forms of a distance kernel on the same vectors, at awkward places in memory.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Where the vectors of one trial lie.
private struct Placement {
    /// Bytes between two rows.
    let gap: Int
    /// Whether the last row, the query and the outputs end at a fence; else they begin `offset` bytes behind one.
    let atEnd: Bool
    let offset: Int

    var name: String { atEnd ? "at the end" : "offset \(offset)" }

    static let all = [
        Placement(gap: 0, atEnd: true, offset: 0),
        Placement(gap: 1, atEnd: true, offset: 0),
        Placement(gap: 13, atEnd: false, offset: 1),
        Placement(gap: 60, atEnd: false, offset: 0),
    ]
}

/// The kernels of one metric and element type, and memory for their input and output.
struct DistanceTrial {
    let metric: Metric
    let type: ElementType
    let queryType: ElementType
    let kernels: DistanceKernels
    /// The smallest number that the kernel tells from 0.
    private let least: Float
    private let queryMemory: FencedMemory
    private let rowMemory: FencedMemory
    private let positionMemory: FencedMemory
    private let addressMemory: FencedMemory
    private let outputMemory: FencedMemory

    /// nil where the table has no such kernel.
    init?(_ metric: Metric, _ type: ElementType, _ table: KernelTable, _ extent: Extent) {
        guard let kernels = table.distance(metric, type) else { return nil }
        self.init(metric, type, type.queryType, kernels, least: .leastNonzeroMagnitude, extent)
    }

    /// The product of bfloat16 rows with a bfloat16 query, to which subnormal numbers are 0; nil where there is none.
    init?(bfloat16ProductOf table: KernelTable, _ extent: Extent) {
        guard let kernels = table.bfloat16Product else { return nil }
        self.init(.innerProduct, .bfloat16, .bfloat16, kernels, least: .leastNormalMagnitude, extent)
    }

    private init(
        _ metric: Metric, _ type: ElementType, _ queryType: ElementType, _ kernels: DistanceKernels, least: Float,
        _ extent: Extent
    ) {
        self.metric = metric
        self.type = type
        self.queryType = queryType
        self.kernels = kernels
        self.least = least
        queryMemory = FencedMemory(1 << 19, extent)
        rowMemory = FencedMemory(1 << 21, extent)
        positionMemory = FencedMemory(1 << 12, extent)
        addressMemory = FencedMemory(1 << 12, extent)
        outputMemory = FencedMemory(1 << 12, extent)
    }

    /// What the pair kernel says, with both vectors right before a fence.
    func pair(_ query: [UInt8], _ row: [UInt8], _ dimension: Int) -> Float {
        kernels.pair(queryMemory.put(query, atEnd: true), rowMemory.put(row, atEnd: true), dimension)
    }

    /// Compares each row's distance with the definition.
    func compareWithDefinition(_ query: [UInt8], _ rows: [[UInt8]], _ dimension: Int, _ findings: inout Findings) {
        func elements(_ type: ElementType, _ vector: [UInt8]) -> [Double] {
            Reference.elements(type, vector, dimension).map { abs($0) < Double(least) ? 0 : $0 }
        }
        let q = elements(queryType, query)
        for (j, row) in rows.enumerated() {
            let want = Reference.distance(metric, type, q, elements(type, row), least: least)
            let got = pair(query, row, dimension)
            findings.expect(
                Reference.allows(got, want),
                "dim \(dimension), row \(j): pair gives \(got), not \(want.value) ± \(want.tolerance)")
        }
    }

    /// Compares the four forms, bit for bit, for each of `counts` rows (at most as many as there are).
    func compareForms(
        _ query: [UInt8], _ rows: [[UInt8]], _ dimension: Int, counts: [Int], _ random: inout SplitMix64,
        _ findings: inout Findings
    ) {
        let size = type.rowSize(dimension)
        let want = rows.map { pair(query, $0, dimension) }
        for placement in Placement.all {
            let stride = size + placement.gap
            // The gaps hold what would spoil any sum: NaN for floats.
            var block = [UInt8](repeating: 0xFF, count: stride * (rows.count - 1) + size)
            for (j, row) in rows.enumerated() { block.replaceSubrange(j * stride..<j * stride + size, with: row) }
            let base = rowMemory.put(block, atEnd: placement.atEnd, offset: placement.offset)
            let q = queryMemory.put(query, atEnd: placement.atEnd, offset: 3 * placement.offset)
            let place = "dim \(dimension), stride \(stride), \(placement.name)"

            let one = kernels.pair(q, base, dimension)
            findings.expect(one.bitPattern == want[0].bitPattern, "\(place): pair gives \(one), else \(want[0])")

            for count in counts {
                let first = rows.count - count
                var output = output(count, placement)
                kernels.rows(q, base + first * stride, stride, count, dimension, output.pointer(to: Float.self))
                expect(output, Array(want[first...]), "\(place), \(count) rows: rows", &findings)

                var positions = (0..<count).map { _ in UInt32(random.below(rows.count)) }
                if count > 0 { positions[random.below(count)] = UInt32(rows.count - 1) }
                let list = positionMemory.put(positions, atEnd: true)
                output = self.output(count, placement)
                kernels.gather(q, base, stride, list, count, dimension, output.pointer(to: Float.self))
                expect(output, positions.map { want[Int($0)] }, "\(place), \(count) positions: gather", &findings)

                let addresses = addressMemory.put(positions.map { base + Int($0) * stride }, atEnd: true)
                output = self.output(count, placement)
                kernels.list(q, addresses, count, dimension, output.pointer(to: Float.self))
                expect(output, positions.map { want[Int($0)] }, "\(place), \(count) addresses: list", &findings)
            }
        }
    }

    private func output(_ count: Int, _ placement: Placement) -> GuardedOutput {
        GuardedOutput(outputMemory, size: 4 * count, atEnd: placement.atEnd, offset: 4 * placement.offset)
    }

    private func expect(_ output: GuardedOutput, _ want: [Float], _ what: String, _ findings: inout Findings) {
        let got = output.values(Float.self, want.count)
        for j in want.indices {
            findings.expect(
                got[j].bitPattern == want[j].bitPattern, "\(what) gives \(got[j]) at \(j), pair gives \(want[j])")
        }
        findings.expect(output.isIntact, "\(what) writes outside its output")
    }
}
