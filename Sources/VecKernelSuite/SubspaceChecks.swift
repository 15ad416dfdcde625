// Checks of the kernels over the centroids of one subspace, against a comparison with each.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

let subspaceChecks = [
    check("subspaces: the nearest centroid, the first of those that are equal", nearest),
    check("subspaces: squared distances and products with every centroid", tables),
    check("subspaces: sums of table values chosen by codes", sums),
]

private func check(
    _ name: String, _ body: @escaping @Sendable (SubspaceKernels, Extent, inout Findings) -> Void
) -> KernelCheck {
    KernelCheck(name: name) { table, extent in
        var findings = Findings()
        body(table.subspaces, extent, &findings)
        return findings.failures
    }
}

/// Centroids, and the panel of them.
private struct Centroids {
    let dimension: Int
    let elements: [Float]
    let count: Int
    let blocks: Int
    let panel: [Float]
    let halves: [Float]

    init(_ elements: [Float], dimension: Int, lanes: Int) {
        self.elements = elements
        self.dimension = dimension
        count = elements.count / dimension
        blocks = (count + lanes - 1) / lanes
        var panel = [Float](repeating: 0, count: blocks * lanes * dimension)
        var halves = [Float](repeating: .infinity, count: blocks * lanes)
        for c in 0..<count {
            var square: Float = 0
            for d in 0..<dimension {
                let x = elements[c * dimension + d]
                panel[(c / lanes * dimension + d) * lanes + c % lanes] = -x
                square += x * x
            }
            halves[c] = square / 2
        }
        self.panel = panel
        self.halves = halves
    }

    func squaredDistance(_ vector: ArraySlice<Float>, _ c: Int) -> Double {
        zip(vector, elements[(c * dimension)..<((c + 1) * dimension)]).reduce(0) {
            $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
        }
    }

    func product(_ vector: ArraySlice<Float>, _ c: Int) -> Double {
        zip(vector, elements[(c * dimension)..<((c + 1) * dimension)]).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
}

private let dimensions = [1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 32, 48]
private let counts = [1, 2, 15, 16, 17, 64, 100, 256, 1024]

/// Seed: 41.
private func nearest(_ kernels: SubspaceKernels, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 41)
    let vectorMemory = FencedMemory(1 << 15, extent), panelMemory = FencedMemory(1 << 18, extent)
    let halfMemory = FencedMemory(1 << 13, extent), codeMemory = FencedMemory(1 << 13, extent)
    let leastMemory = FencedMemory(1 << 13, extent)
    for dimension in dimensions {
        for count in extent == .full ? counts : [1, 17, 256] {
            // Whole numbers: sums are exact, and many centroids tie.
            let isExact = random.below(2) == 0
            func number() -> Float { isExact ? Float(random.below(5) - 2) : Float(random.unit()) }
            let centroids = Centroids(
                (0..<(count * dimension)).map { _ in number() }, dimension: dimension, lanes: kernels.lanes)
            for rows in [1, 3, 4, 5, 11] {
                let stride = dimension + random.below(3)
                // Nothing lies behind the last vector.
                let vectors = (0..<(stride * (rows - 1) + dimension)).map { _ in number() }
                let atEnd = random.below(2) == 0
                let codes = GuardedOutput(codeMemory, size: 2 * rows, atEnd: atEnd, offset: 2)
                let least = GuardedOutput(leastMemory, size: 4 * rows, atEnd: atEnd, offset: 4)
                kernels.nearest(
                    vectorMemory.put(vectors, atEnd: atEnd, offset: 4), stride, rows, dimension,
                    panelMemory.put(centroids.panel, atEnd: atEnd, offset: 4),
                    halfMemory.put(centroids.halves, atEnd: atEnd, offset: 4), centroids.blocks,
                    codes.pointer(to: UInt16.self), least.pointer(to: Float.self))
                let gotCodes = codes.values(UInt16.self, rows), gotLeast = least.values(Float.self, rows)
                for i in 0..<rows {
                    let vector = vectors[(i * stride)..<(i * stride + dimension)]
                    let all = (0..<count).map { centroids.squaredDistance(vector, $0) }
                    let want = all.indices.min { all[$0] < all[$1] } ?? 0
                    let got = Int(gotCodes[i])
                    let what = "dim \(dimension), \(count) centroids, vector \(i) of \(rows)"
                    guard got < count else {
                        findings.expect(false, "\(what): there is no centroid \(got)")
                        continue
                    }
                    let square = vector.reduce(0.0) { $0 + Double($1) * Double($1) }
                    let tolerance = isExact ? 0 : 1e-5 * (1 + square)
                    findings.expect(
                        isExact ? got == want : all[got] <= all[want] + tolerance, "\(what): \(got), not \(want)")
                    findings.expect(
                        abs(square + 2 * Double(gotLeast[i]) - all[got]) <= tolerance,
                        "\(what): the distance is said to be \(square + 2 * Double(gotLeast[i])), not \(all[got])")
                }
                findings.expect(codes.isIntact && least.isIntact, "dim \(dimension): writes outside its output")
            }
        }
    }
}

/// Seed: 42.
private func tables(_ kernels: SubspaceKernels, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 42)
    let vectorMemory = FencedMemory(1 << 13, extent), panelMemory = FencedMemory(1 << 18, extent)
    let output = FencedMemory(1 << 13, extent)
    for dimension in dimensions {
        for count in extent == .full ? counts : [1, 17, 256] {
            let centroids = Centroids(
                (0..<(count * dimension)).map { _ in Float(random.unit()) }, dimension: dimension, lanes: kernels.lanes)
            let vector = (0..<dimension).map { _ in Float(random.unit()) }
            for (isProduct, kernel) in [(false, kernels.squaredDistances), (true, kernels.negatedProducts)] {
                let atEnd = random.below(2) == 0
                let values = GuardedOutput(output, size: 4 * centroids.blocks * kernels.lanes, atEnd: atEnd, offset: 4)
                kernel(
                    vectorMemory.put(vector, atEnd: atEnd, offset: 4), dimension,
                    panelMemory.put(centroids.panel, atEnd: atEnd, offset: 4), centroids.blocks,
                    values.pointer(to: Float.self))
                let got = values.values(Float.self, count)
                for c in 0..<count {
                    let want = isProduct ? -centroids.product(vector[...], c) : centroids.squaredDistance(vector[...], c)
                    findings.expect(
                        abs(Double(got[c]) - want) <= 1e-5 * Double(dimension),
                        "dim \(dimension), centroid \(c) of \(count): \(got[c]), not \(want)")
                }
                findings.expect(values.isIntact, "dim \(dimension): writes outside its output")
            }
        }
    }
}

/// Seed: 43.
private func sums(_ kernels: SubspaceKernels, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 43)
    let tableMemory = FencedMemory(1 << 18, extent), codeMemory = FencedMemory(1 << 13, extent)
    let output = FencedMemory(1 << 13, extent)
    for tableCount in [1, 2, 7, 16, 48, 192] {
        for tableSize in [16, 256] {
            // Whole numbers: every order of adding gives the same.
            let tables = (0..<(tableCount * tableSize)).map { _ in Float(random.below(2001) - 1000) }
            for rows in [1, 3, 4, 9] {
                let stride = tableCount + random.below(3)
                let codes = (0..<(stride * (rows - 1) + tableCount)).map { _ in UInt8(random.below(tableSize)) }
                let atEnd = random.below(2) == 0
                let out = GuardedOutput(output, size: 4 * rows, atEnd: atEnd, offset: 4)
                kernels.sums(
                    tableMemory.put(tables, atEnd: atEnd, offset: 4), tableSize,
                    codeMemory.put(codes, atEnd: atEnd, offset: 1), stride, rows, tableCount, out.pointer(to: Float.self))
                let want = (0..<rows).map { i in
                    (0..<tableCount).reduce(Float(0)) { $0 + tables[$1 * tableSize + Int(codes[i * stride + $1])] }
                }
                findings.expect(
                    out.values(Float.self, rows) == want, "\(tableCount) tables of \(tableSize), \(rows) rows")
                findings.expect(out.isIntact, "\(tableCount) tables: writes outside its output")
            }
        }
    }
}
