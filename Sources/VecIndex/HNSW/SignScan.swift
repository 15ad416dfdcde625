// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Looks for the rows nearest to a query among those that there are signs of: estimates all, and compares the codes of those that
/// the estimates do not rule out.
struct SignScan {
    private let walk: GraphWalk
    private let signs: SignCodes
    /// What distances of codes may be off by.
    private let margin: Float

    /// Rows that are estimated at a time.
    private static let piece = 512
    /// A row is ruled out where it would be nearer than its estimate by more than so many standard deviations.
    private static let deviations: Float = 2.5
    /// Rows that are compared first: they say how near the nearest are. And as many times the rows that are wanted.
    private static let firstRows = 32, firstFactor = 2

    /// - Parameters:
    ///   - walk: Not in use otherwise.
    ///   - margin: What distances of codes may be off by.
    init(_ walk: GraphWalk, _ signs: SignCodes, margin: Float) {
        self.walk = walk
        self.signs = signs
        self.margin = margin
    }

    /// The nearest rows by their codes.
    /// - Parameter capacity: As many as the scratch has room for at most, and k at least.
    func nearest(_ query: GraphWalk.Query, k: Int, capacity: Int) -> Beam {
        let scratch = walk.scratch
        let estimate = prepare(query.fine)
        let first = beginning(estimate, min(max(SignScan.firstRows, SignScan.firstFactor * k), capacity))
        let count = first.count
        for e in 0..<count { scratch.rankedSlots[e] = first.slot(e) }
        walk.measureFine(query, scratch.rankedSlots, count, scratch.rankedDistances)
        var beam = Beam(walk, capacity: capacity)
        for e in 0..<count where walk.visit(scratch.rankedSlots[e]) {
            beam.take(scratch.rankedDistances[e], scratch.rankedSlots[e])
        }
        let limit = beam.count < k ? .infinity : beam.distance(k - 1) + margin
        var n = 0
        forEachPiece { from, rows in
            if n + rows > scratch.listCapacity { compare(query, &n, &beam) }
            let found = select(estimate, from, rows, margin: estimate.margin, limit: limit)
            for f in 0..<found {
                let slot = slot(from + Int(scratch.positions[f]))
                guard walk.visit(slot) else { continue }
                scratch.slots[n] = slot
                scratch.addresses[n] = walk.fine.address(slot)
                walk.prefetchRow(scratch.addresses[n])
                n &+= 1
            }
        }
        compare(query, &n, &beam)
        scratch.forget()
        return beam
    }

    // MARK: - Estimates

    /// Calls `body` with each row, the estimate of its distance, and what that is off by on average: for those who want to know
    /// how good estimates are.
    func forEachEstimate(_ query: GraphWalk.Query, _ body: (_ slot: UInt32, _ estimate: Float, _ deviation: Float) -> Void) {
        let estimate = prepare(query.fine)
        _ = beginning(estimate, 1)
        forEachPiece { from, rows in
            let factors = signs.layout.factors
            for f in 0..<select(estimate, from, rows, margin: 0, limit: .infinity) {
                let row = from + Int(walk.scratch.positions[f])
                let factor = factors(block(row))[row % ListLayout.rows]
                body(slot(row), walk.scratch.distances[f], factor * estimate.margin / SignScan.deviations)
            }
        }
    }

    /// What makes distances out of sums: base + offset + factor · (scale · sum + shift).
    private struct Estimate {
        var base: Float
        var scale: Float
        var shift: Float
        /// What the distance of a row of factor 1 may be less than its estimate.
        var margin: Float
    }

    /// Makes the tables of a query.
    private func prepare(_ query: WalkQuery) -> Estimate {
        let scratch = walk.scratch, table = walk.fine.table, dimension = walk.fine.dimension
        let codes = query.elements.assumingMemoryBound(to: Int8.self)
        var squares: Int32 = 0
        for d in 0..<dimension {
            let code = Int32(codes[d])
            scratch.floats[d] = Float(code)
            squares &+= code &* code
        }
        table.listTables.signs(scratch.floats, dimension, scratch.signValues)
        var shift: Float = 0
        let width = table.listTables.round(
            scratch.signValues, SignCodes.numbers(dimension), scratch.signTables, &shift)
        // Tables have halves of elements.
        return Estimate(
            base: query.base, scale: 2 * query.weight * width / 255, shift: 2 * query.weight * shift,
            margin: SignScan.deviations * signs.spread * abs(query.weight) * Float(squares).squareRoot())
    }

    /// Sums the signs of all rows, and returns those with the least estimates.
    private func beginning(_ estimate: Estimate, _ most: Int) -> Beam {
        let scratch = walk.scratch, layout = signs.layout
        var beam = Beam(walk, capacity: most)
        forEachPiece { from, rows in
            walk.fine.table.listCodes.sums(
                block(from).assumingMemoryBound(to: UInt8.self), layout.blockSize, ListLayout.blocks(rows), layout.groups,
                scratch.signTables, scratch.signSums + from)
            let found = select(estimate, from, rows, margin: 0, limit: beam.limit)
            for f in 0..<found { scratch.slots[f] = slot(from + Int(scratch.positions[f])) }
            beam.take(scratch.distances, scratch.slots, found)
        }
        return beam
    }

    /// Writes the positions and the estimates of rows that may be within a limit. Returns how many they are.
    private func select(_ estimate: Estimate, _ from: Int, _ rows: Int, margin: Float, limit: Float) -> Int {
        let scratch = walk.scratch, layout = signs.layout, block = block(from)
        return walk.fine.table.listCodes.select(
            scratch.signSums + from, layout.offsets(block), layout.factors(block), layout.blockSize, rows, estimate.scale,
            estimate.shift - margin, estimate.base, limit, scratch.positions, scratch.distances)
    }

    private func forEachPiece(_ body: (_ from: Int, _ rows: Int) -> Void) {
        for from in stride(from: 0, to: signs.count, by: SignScan.piece) { body(from, min(SignScan.piece, signs.count - from)) }
    }

    /// The block that begins with a row.
    private func block(_ row: Int) -> UnsafeRawPointer { signs.blocks + row / ListLayout.rows * signs.layout.blockSize }

    private func slot(_ row: Int) -> UInt32 { signs.layout.slots(block(row))[row % ListLayout.rows] }

    // MARK: - Codes

    /// Compares the codes of rows that were gathered.
    private func compare(_ query: GraphWalk.Query, _ n: inout Int, _ beam: inout Beam) {
        let scratch = walk.scratch
        walk.fine.measure(query.fine, scratch.slots, scratch.addresses, n, scratch.distances)
        beam.take(scratch.distances, scratch.slots, n)
        n = 0
    }
}
