// Checks of the distance kernels: right values, one value for all four forms, and what must hold for every vector.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// The pairs of metric and element type that make sense.
private let pairs = Metric.allCases.flatMap { metric in
    ElementType.allCases.filter { metric.supports($0) }.map { (metric: metric, type: $0) }
}

/// A check for each pair of metric and element type that `where` lets through.
private func checks(
    _ name: String, where includes: (Metric) -> Bool = { _ in true },
    _ body: @escaping @Sendable (DistanceTrial, Extent, inout Findings) -> Void
) -> [KernelCheck] {
    pairs.filter { includes($0.metric) }.map { metric, type in
        KernelCheck(name: "\(metric.name) \(type.name): \(name)") { table, extent in
            guard let trial = DistanceTrial(metric, type, table, extent) else { return ["there is no kernel"] }
            var findings = Findings()
            body(trial, extent, &findings)
            return findings.failures
        }
    }
}

let distanceChecks =
    checks("every dimension, count, stride and place in memory agrees with the definition", everyShape)
    + checks("extreme elements agree with the definition", extremeElements)
    + checks("a vector and itself are at distance 0", where: { $0 != .innerProduct }, selfDistance)
    + checks("distances of close and of opposite vectors stay in their range", where: { $0 != .innerProduct }, ranges)
    + checks("a zero product is 0, not −0", where: { $0 == .innerProduct }, zeroProduct)
    + [
        bfloat16Product("every dimension, count, stride and place in memory agrees with the definition", everyShape),
        bfloat16Product("extreme elements agree with the definition; subnormal numbers are 0", extremeElements),
        bfloat16Product("a zero product is 0, not −0", zeroProduct),
    ]

/// A check of the product of bfloat16 with bfloat16.
private func bfloat16Product(
    _ name: String, _ body: @escaping @Sendable (DistanceTrial, Extent, inout Findings) -> Void
) -> KernelCheck {
    KernelCheck(name: "ip bfloat16 by bfloat16: \(name)", applies: { $0.bfloat16Product != nil }) { table, extent in
        guard let trial = DistanceTrial(bfloat16ProductOf: table, extent) else { return ["there is no kernel"] }
        var findings = Findings()
        body(trial, extent, &findings)
        return findings.failures
    }
}

/// Seed: 1.
private func everyShape(_ trial: DistanceTrial, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 1)
    for dimension in extent.dimensions(trial.type) {
        let query = TestVectors.random(trial.queryType, dimension, &random)
        let rows = (0..<9).map { _ in TestVectors.random(trial.type, dimension, &random) }
        trial.compareWithDefinition(query, rows, dimension, &findings)
        trial.compareForms(query, rows, dimension, counts: Array(0...9), &random, &findings)
    }
    for dimension in [5, 67, 384] {
        let query = TestVectors.random(trial.queryType, dimension, &random)
        let rows = (0..<101).map { _ in TestVectors.random(trial.type, dimension, &random) }
        trial.compareWithDefinition(query, rows, dimension, &findings)
        trial.compareForms(query, rows, dimension, counts: [15, 16, 17, 31, 64, 101], &random, &findings)
    }
}

/// Values at the ends of each type, as (query, row) elements, and up to which dimension no float sum overflows.
private func extremes(_ type: ElementType) -> (dimensions: [Int], values: [(Double, Double)]) {
    let leastFloat = Double(Float.leastNonzeroMagnitude)
    switch type {
    case .float32, .bfloat16:
        return (
            Array(1...64),
            [
                (1e18, 1e18), (1e18, -1e18), (-1e18, 1e-20), (1e-20, 1e18), (1e-20, -1e-20), (1e-40, -1e-40),
                (leastFloat, 3 * leastFloat), (1e18, leastFloat), (0, 1e-40), (0, -1e18), (1, 1),
            ]
        )
    case .float16:
        return (
            Array(1...64) + [768],
            [
                (65504, 65504), (65504, -65504), (-65504, 0x1p-24), (0x1p-24, -0x1p-24), (0x1p-24, 1023 * 0x1p-24),
                (1e-20, 0x1p-14), (1e16, 65504), (0, 0x1p-24), (1, 1),
            ]
        )
    case .int8:
        return (
            Array(1...130) + [65535, 65536],
            [(-128, -128), (-128, 127), (127, -128), (127, 127), (-128, 0), (0, -128), (-1, 127), (1, 1)]
        )
    case .uint8:
        return (Array(1...130) + [65535, 65536], [(255, 255), (255, 0), (0, 255), (1, 255), (128, 127), (1, 1)])
    case .bits:
        return (Array(1...130) + [65535, 65536], [(1, 1), (1, 0), (0, 1), (0, 0)])
    }
}

/// Whether the squares of a vector are large enough to be told from 0: a cosine exists only then.
private func hasCosine(_ values: [Double]) -> Bool { Reference.squaredNorm(values) >= 0x1p-140 }

/// Vectors of one extreme value alone, and mixtures of all. Seed: 2.
private func extremeElements(_ trial: DistanceTrial, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 2)
    let (dimensions, values) = extremes(trial.type)
    let queryType = trial.queryType
    for dimension in dimensions where extent == .full || dimension % 7 < 2 {
        let uniform = values.map { value in
            ([Double](repeating: value.0, count: dimension), [Double](repeating: value.1, count: dimension))
        }
        let mixtures = (0..<6).map { _ in
            ((0..<dimension).map { _ in values[random.below(values.count)].0 },
             (0..<dimension).map { _ in values[random.below(values.count)].1 })
        }
        for (q, x) in uniform + mixtures where trial.metric != .cosine || (hasCosine(q) && hasCosine(x)) {
            let query = TestVectors.vector(queryType, q), row = TestVectors.vector(trial.type, x)
            trial.compareWithDefinition(query, [row], dimension, &findings)
            if dimension < 9 || dimension > 60 {
                let rows = [[UInt8]](repeating: row, count: 5)
                trial.compareForms(query, rows, dimension, counts: [1, 4, 5], &random, &findings)
            }
        }
    }
}

/// Floats of very different sizes; cosine divides two sums by the same sums, and must round to exactly 1. Seed: 3.
private func selfDistance(_ trial: DistanceTrial, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 3)
    let type = trial.type
    for i in 0..<extent.trials(4000) {
        let dimension = i % 8 == 0 ? 384 : 1 + random.below(130)
        var row = TestVectors.random(type, dimension, &random)
        if type.isFloat {
            // Up to 2^±12 for float16, whose numbers end at 2^±15; 2^±40 for the others.
            let power = random.below(type == .float16 ? 25 : 81) - (type == .float16 ? 12 : 40)
            let scale = Double(sign: .plus, exponent: power, significand: 1)
            row = TestVectors.vector(type, Reference.elements(type, row, dimension).map { $0 * scale })
        }
        // What is not zero before it is rounded to the type can be zero after.
        if trial.metric == .cosine && Reference.squaredNorm(Reference.elements(type, row, dimension)) == 0 { continue }
        let query = TestVectors.query(equalTo: row, type, dimension)
        let got = trial.pair(query, row, dimension)
        findings.expect(got == 0, "dim \(dimension), vector \(i): \(got)")
    }
    for value in extremes(type).values.map({ $0.1 }) {
        for dimension in [1, 3, 8, 17, 33, 64] {
            let values = [Double](repeating: value, count: dimension)
            if trial.metric == .cosine && !hasCosine(values) { continue }
            let row = TestVectors.vector(type, values)
            let got = trial.pair(TestVectors.query(equalTo: row, type, dimension), row, dimension)
            findings.expect(got == 0, "dim \(dimension), all elements \(value): \(got)")
        }
    }
}

/// The row is the query with some elements moved a little, or all scaled, or all turned round. Seed: 4.
private func ranges(_ trial: DistanceTrial, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 4)
    let type = trial.type
    for i in 0..<extent.trials(4000) {
        let dimension = 1 + random.below(130)
        let most: Double =
            switch trial.metric {
            case .cosine: 2
            case .jaccard: 1
            case .hamming: Double(dimension)
            default: .infinity
            }
        let origin = TestVectors.random(type, dimension, &random)
        let x = Reference.elements(type, origin, dimension)
        let scale = 0.5 + abs(random.unit())
        let y = x.enumerated().map { j, value -> Double in
            if !type.isFloat { return j % 16 == i % 16 ? (value == 0 ? 1 : value - 1) : value }
            switch i % 3 {
            case 0: return value * (1 + random.unit() * 0x1p-22)
            case 1: return value * scale
            default: return -value * scale
            }
        }
        // A single element may have become 0.
        if trial.metric == .cosine && (Reference.squaredNorm(y) == 0 || !hasCosine(x)) { continue }
        if type == .int8 && y.contains(where: { $0 < -128 }) { continue }
        let row = TestVectors.vector(type, y)
        if trial.metric == .cosine && !hasCosine(Reference.elements(type, row, dimension)) { continue }
        let got = trial.pair(TestVectors.query(equalTo: origin, type, dimension), row, dimension)
        findings.expect(got >= 0 && Double(got) <= most, "dim \(dimension), vector \(i): \(got)")
    }
}

private func zeroProduct(_ trial: DistanceTrial, _ extent: Extent, _ findings: inout Findings) {
    let type = trial.type
    for dimension in extent.dimensions(type) {
        let zeros = [Double](repeating: 0, count: dimension)
        let smallest: Double = type == .uint8 ? 0 : -1
        let negatives = [Double](repeating: smallest, count: dimension)
        // One vector has its even elements, the other its odd ones.
        let even = (0..<dimension).map { $0 % 2 == 0 ? smallest : 0 }
        let odd = (0..<dimension).map { $0 % 2 == 1 ? 1.0 : 0 }
        for (q, x) in [(zeros, zeros), (zeros, negatives), (negatives, zeros), (even, odd)] {
            let got = trial.pair(
                TestVectors.vector(trial.queryType, q), TestVectors.vector(type, x), dimension)
            findings.expect(got == 0 && got.sign == .plus, "dim \(dimension): \(got)")
        }
    }
}
