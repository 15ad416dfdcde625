// Quantizers: what codes keep, what they lose, and what is refused.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("Quantizers")
struct QuantizerTests {
    private static let rows = RealRows.make(640, .float32).rows

    /// One of each kind whose distances are those from decoded vectors, for a dimension of at least 8.
    private static let decodedDesigns: [QuantizerDesign] = [
        .scalar(.init()), .scalar(.init(bits: 4)), .scalar(.init(isUniform: true)),
        .scalar(.init(bits: 4, isUniform: true, quantile: 0.01)), .product(.init(m: 8)), .product(.init(m: 7, bits: 4)),
        .product(.init(m: 5, bits: 6, isRotated: true)), .product(.init(m: 3, bits: 10)),
    ]
    private static let everyDesign = decodedDesigns + [1, 2, 3, 4, 8].map { .binary(.init(bits: $0)) }

    private func trained(_ design: QuantizerDesign, _ vectors: Vectors) throws -> VectorQuantizer {
        let quantizer = try VectorQuantizer(dimension: vectors.dimension, design: design)
        try quantizer.train(vectors)
        return quantizer
    }

    // MARK: - Packing

    @Test("numbers of any width come out as they went in", arguments: ProductQuantizer.allowedBits)
    func packing(bits: Int) {
        var random = Random(seed: 841)
        for count in [1, 2, 3, 5, 8, 13, 64, 97] {
            let numbers = (0..<count).map { _ in UInt16(random.below(1 << bits)) }
            let size = CodePacking.size(count: count, bits: bits)
            // Bytes behind the code stay as they are.
            var code = [UInt8](repeating: 0xEE, count: size + 2)
            CodePacking.pack(numbers, stride: 1, count: count, bits: bits, &code)
            #expect(code[size...] == [0xEE, 0xEE])
            var out = [UInt16](repeating: 0, count: count)
            CodePacking.unpack(code, count: count, bits: bits, &out)
            #expect(out == numbers)
            // The lowest bits come first.
            for (j, number) in numbers.enumerated() {
                let value = (0..<bits).reduce(0) { $0 | Int(code[(j * bits + $1) / 8] >> UInt8((j * bits + $1) % 8) & 1) << $1 }
                #expect(value == Int(number))
            }
        }
    }

    // MARK: - What codes keep

    @Test("scalar codes are off by half a step at most", arguments: [8, 4], [false, true])
    func scalarError(bits: Int, isUniform: Bool) throws {
        let quantizer = try trained(.scalar(.init(bits: bits, isUniform: isUniform)), Self.rows)
        let decoded = try quantizer.vectors(quantizer.codes(Self.rows))
        let dimension = Self.rows.dimension
        func range(_ values: [Double]) -> Double { (values.max() ?? 0) - (values.min() ?? 0) }
        let all = range(Self.rows.values)
        for d in 0..<dimension {
            let column = (0..<Self.rows.count).map { Self.rows.values[$0 * dimension + d] }
            let step = (isUniform ? all : range(column)) / Double((1 << bits) - 1)
            for i in 0..<Self.rows.count {
                #expect(abs(decoded.values[i * dimension + d] - column[i]) <= step * 0.501 + 1e-7)
            }
        }
    }

    @Test("values beyond a range count as its end")
    func clipping() throws {
        let line = Vectors((0...100).map { Float($0) }, dimension: 1, type: .float32)
        let quantizer = try trained(.scalar(.init(bits: 8, quantile: 0.1)), line)
        let far = Vectors([-1000, 0, 50, 100, 1e15], dimension: 1, type: .float32)
        let decoded = try quantizer.vectors(quantizer.codes(far)).values
        #expect(decoded[0] == decoded[1] && decoded[3] == decoded[4])
        #expect(abs(decoded[0] - 10) <= 1 && abs(decoded[2] - 50) < 0.5 && abs(decoded[3] - 90) <= 1)
    }

    @Test("each part of a product code is the nearest of its centroids")
    func nearestCentroids() throws {
        let dimension = 10, m = 3
        let rows = DataSet.scattered.make(rows: 700, queries: 0, dimension: dimension, type: .float32, seed: 842).rows
        let quantizer = try ProductQuantizer(dimension: dimension, m: m, bits: 5)
        var codes = [UInt8](repeating: 0, count: rows.count * quantizer.codeSize)
        try rows.bytes.withUnsafeBytes { bytes in
            let floats = bytes.baseAddress!.assumingMemoryBound(to: Float.self)
            try quantizer.trainParts(floats, rows.count, ProductQuantizer.Training(), threads: 2)
            try quantizer.encode(floats, rows.count, &codes, threads: 2)
        }
        #expect((0..<m).map { quantizer.range($0).count } == [3, 3, 4])
        var numbers = [UInt16](repeating: 0, count: m)
        for i in 0..<rows.count {
            codes.withUnsafeBufferPointer {
                CodePacking.unpack($0.baseAddress! + i * quantizer.codeSize, count: m, bits: 5, &numbers)
            }
            for j in 0..<m {
                let range = quantizer.range(j), part = quantizer.part(j)
                let all = (0..<32).map { c in
                    range.reduce(0.0) {
                        let e = rows.values[i * dimension + $1] - Double(part.centroids[c * range.count + $1 - range.lowerBound])
                        return $0 + e * e
                    }
                }
                #expect(all[Int(numbers[j])] <= (all.min() ?? 0) + 1e-6)
            }
        }
    }

    @Test("rows that have no more different parts than there are centroids lose nothing", arguments: [4, 8, 12])
    func lossless(bits: Int) throws {
        let rows = DataSet.duplicates.make(rows: 300, queries: 0, dimension: 12, type: .float32, seed: 843).rows
        let quantizer = try trained(.product(.init(m: 4, bits: bits)), rows)
        #expect(try quantizer.loss(rows).relativeError < 1e-12)
    }

    @Test("more bits and more parts lose less")
    func rate() throws {
        func loss(_ design: QuantizerDesign) throws -> Double { try trained(design, Self.rows).loss(Self.rows).relativeError }
        #expect(try loss(.product(.init(m: 24, bits: 8))) < loss(.product(.init(m: 24, bits: 6))))
        #expect(try loss(.product(.init(m: 24, bits: 6))) < loss(.product(.init(m: 24, bits: 4))))
        #expect(try loss(.product(.init(m: 48, bits: 4))) < loss(.product(.init(m: 24, bits: 4))))
        #expect(try loss(.scalar(.init(bits: 8))) < 0.05 * loss(.scalar(.init(bits: 4))))
    }

    @Test("each pass of training loses less")
    func descent() throws {
        var last = Double.infinity
        for passes in 1...6 {
            let quantizer = try ProductQuantizer(dimension: Self.rows.dimension, m: 16, bits: 5)
            // What is returned is what the last pass began with.
            let sum = try Self.rows.bytes.withUnsafeBytes {
                try quantizer.trainParts(
                    $0.baseAddress!.assumingMemoryBound(to: Float.self), Self.rows.count,
                    ProductQuantizer.Training(passes: passes), threads: 2)
            }
            #expect(sum < last)
            last = sum
        }
    }

    @Test("a rotation loses less where elements go together")
    func rotation() throws {
        var random = Random(seed: 844)
        // Sixteen elements, mixed from sixteen of very different size.
        let mix = (0..<256).map { _ in random.unit() }
        var floats: [Float] = []
        for _ in 0..<1500 {
            let sources = (0..<16).map { d in random.unit() / Float(1 + d * d) }
            for d in 0..<16 { floats.append((0..<16).reduce(Float(0)) { $0 + sources[$1] * mix[d * 16 + $1] }) }
        }
        let rows = Vectors(floats, dimension: 16, type: .float32)
        let plain = try trained(.product(.init(m: 4, bits: 4)), rows).loss(rows)
        let rotated = try trained(.product(.init(m: 4, bits: 4, isRotated: true)), rows).loss(rows)
        #expect(rotated.relativeError < 0.6 * plain.relativeError)
    }

    @Test("rotations keep lengths")
    func orthogonality() throws {
        let quantizer = try ProductQuantizer(dimension: 24, m: 6, bits: 4)
        let rows = DataSet.clusters.make(rows: 500, queries: 0, dimension: 24, type: .float32, seed: 845).rows
        try rows.bytes.withUnsafeBytes { bytes in
            let floats = bytes.baseAddress!.assumingMemoryBound(to: Float.self)
            let rotation = try RotationTrainer(floats, rows.count, quantizer, threads: 2)
                .train(seed: 0, Teller(nil, total: 1, what: "a test"))
            for i in 0..<24 {
                for j in 0..<24 {
                    let product = (0..<24).reduce(Float(0)) { $0 + rotation.matrix[i * 24 + $1] * rotation.matrix[j * 24 + $1] }
                    #expect(abs(product - (i == j ? 1 : 0)) < 1e-4)
                }
            }
            var there = [Float](repeating: 0, count: 24), back = there
            try rotation.apply(floats, 1, &there)
            try rotation.applyInverse(there, 1, &back)
            for d in 0..<24 { #expect(abs(back[d] - floats[d]) < 1e-4) }
        }
    }

    @Test("loss is what decoding shows", arguments: everyDesign)
    func loss(design: QuantizerDesign) throws {
        let quantizer = try trained(design, Self.rows)
        let decoded = try quantizer.vectors(quantizer.codes(Self.rows)).values
        let errors = zip(decoded, Self.rows.values).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let squares = Self.rows.values.reduce(0.0) { $0 + $1 * $1 }
        let loss = try quantizer.loss(Self.rows)
        #expect(abs(loss.meanSquaredError - errors / Double(Self.rows.count)) <= 1e-9 + 1e-6 * errors)
        #expect(abs(loss.relativeError - errors / squares) <= 1e-6)
    }

    @Test("distances from codes are those from the decoded vectors", arguments: decodedDesigns, [Metric.l2Squared, .innerProduct])
    func distances(design: QuantizerDesign, metric: Metric) throws {
        let quantizer = try trained(design, Self.rows)
        let some = Self.rows.picked(0..<37), queries = Self.rows.picked(600..<605)
        let codes = try quantizer.codes(some)
        let decoded = try quantizer.vectors(codes)
        let found = try quantizer.distances(queries, codes, metric)
        for i in 0..<5 {
            for j in 0..<37 {
                let want = Reference.distance(metric, queries, i, decoded, j).value
                #expect(abs(Double(found[i * 37 + j]) - want) < 2e-5)
            }
        }
    }

    @Test("each bit more of a binary code loses less")
    func binaryRate() throws {
        // Of Gaussian elements one bit loses 1 − 2/π of the squares.
        let rows = Self.rows
        let centered = try trained(.binary(.init(bits: 8)), rows).loss(rows).relativeError
        #expect(centered < 1e-4)
        var last = 1.0
        for bits in 1...6 {
            let loss = try trained(.binary(.init(bits: bits)), rows).loss(rows).relativeError
            #expect(loss < (bits == 1 ? 0.37 : 0.45 * last))
            last = loss
        }
    }

    @Test("distances from binary codes are right on average, and off as little as is said", arguments: [1, 2, 3, 4, 7, 8])
    func binaryEstimates(bits: Int) throws {
        let quantizer = try trained(.binary(.init(bits: bits)), Self.rows)
        let some = Self.rows.picked(0..<200), queries = Self.rows.picked(600..<640)
        let codes = try quantizer.codes(some)
        for metric in [Metric.l2Squared, .innerProduct] {
            let found = try quantizer.distances(queries, codes, metric)
            var sum = 0.0, squares = 0.0
            for i in 0..<40 {
                for j in 0..<200 {
                    let error = Double(found[i * 200 + j]) - Reference.distance(metric, queries, i, some, j).value
                    sum += error
                    squares += error * error
                }
            }
            // Rows have norm 1 in 384 elements; one bit has a cosine of √(2/π): √((1 − cos²) / cos² / 383) = 0.038.
            let spread = (squares / 8000).squareRoot() / (metric == .l2Squared ? 2 : 1)
            #expect(spread < 0.05 / Double(1 << (bits - 1)))
            #expect(abs(sum / 8000) < 0.2 * (squares / 8000).squareRoot() + 1e-5)
        }
    }

    @Test("a fast rotation keeps lengths and products, and turns back", arguments: [1, 2, 3, 5, 8, 31, 64, 100, 384])
    func fastRotation(dimension: Int) {
        let rotation = FastRotation(dimension: dimension, seed: 7)
        var random = Random(seed: 850)
        let a = (0..<dimension).map { _ in random.unit() }, b = (0..<dimension).map { _ in random.unit() }
        var x = a, y = b
        rotation.apply(&x)
        rotation.apply(&y)
        func product(_ a: [Float], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
        #expect(abs(product(x, x) - product(a, a)) < 1e-4)
        #expect(abs(product(x, y) - product(a, b)) < 1e-4)
        rotation.applyInverse(&x)
        #expect(zip(x, a).allSatisfy { abs($0 - $1) < 1e-5 })
        // One element alone is spread over all.
        if dimension >= 64 {
            var one = [Float](repeating: 0, count: dimension)
            one[3] = 1
            rotation.apply(&one)
            #expect(one.map { abs($0) }.max()! < 0.6)
        }
    }

    // MARK: - Any data, any threads

    @Test("any kind of data makes finite codes", arguments: everyDesign, DataSet.allCases)
    func kinds(design: QuantizerDesign, kind: DataSet) throws {
        let rows = kind.make(rows: 300, queries: 0, dimension: 11, type: .float32, seed: 846).rows
        let quantizer = try trained(design, rows)
        let decoded = try quantizer.vectors(quantizer.codes(rows))
        #expect(decoded.values.allSatisfy { $0.isFinite })
        #expect(try quantizer.loss(rows).relativeError.isFinite)
    }

    @Test("vectors of any size are coded alike", arguments: everyDesign)
    func magnitude(design: QuantizerDesign) throws {
        let rows = DataSet.clusters.make(rows: 200, queries: 0, dimension: 20, type: .float32, seed: 853).rows
        let plain = try trained(design, rows).loss(rows).relativeError
        // Up to the largest norms that are allowed, and far down.
        for scale in [Float(0x1p58), 0x1p-50] {
            let scaled = rows.scaled(by: scale, type: .float32)
            let loss = try trained(design, scaled).loss(scaled).relativeError
            #expect(abs(loss - plain) <= 0.1 * plain + 1e-7, "times \(scale)")
        }
    }

    @Test("one vector is enough to train on", arguments: everyDesign)
    func oneVector(design: QuantizerDesign) throws {
        let row = Self.rows.picked(0..<1)
        let quantizer = try trained(design, row)
        // One range for all elements has but 16 steps.
        var most = 1e-6
        if case .scalar(let scalar) = design, scalar.isUniform { most = 0.05 }
        #expect(try quantizer.loss(row).relativeError < most)
    }

    @Test("any bytes stand for some vector", arguments: everyDesign)
    func anyBytes(design: QuantizerDesign) throws {
        let quantizer = try trained(design, Self.rows)
        var random = Random(seed: 847)
        let codes = (0..<(50 * quantizer.codeSize)).map { _ in UInt8(random.below(256)) }
        #expect(try quantizer.vectors(codes).values.allSatisfy { $0.isFinite })
        #expect(try quantizer.distances(Self.rows.picked(0..<1), codes, .l2Squared).allSatisfy { $0.isFinite })
    }

    @Test("the number of threads changes nothing", arguments: everyDesign)
    func threads(design: QuantizerDesign) throws {
        func codes(_ threads: Int) throws -> [UInt8] {
            let quantizer = try VectorQuantizer(dimension: Self.rows.dimension, design: design)
            try quantizer.train(Self.rows, threads: threads)
            return try quantizer.codes(Self.rows, threads: threads)
        }
        let one = try codes(1)
        #expect(try codes(2) == one)
        #expect(try codes(5) == one)
    }

    @Test("every type of element makes the codes of float32 vectors of the same values")
    func types() throws {
        for type in [ElementType.float16, .bfloat16, .int8, .uint8] {
            let rows = DataSet.scattered.make(rows: 300, queries: 0, dimension: 16, type: type, seed: 848).rows
            let floats = Vectors((0..<300).flatMap { rows.floats($0) }, dimension: 16, type: .float32)
            for design in Self.everyDesign {
                #expect(try trained(design, rows).codes(rows) == trained(design, floats).codes(floats), "\(type.name)")
            }
        }
    }

    // MARK: - Refusals

    @Test("designs that make no sense are refused with the reason")
    func badDesigns() {
        func refused(_ code: VecStoreError.Code, _ design: QuantizerDesign, dimension: Int = 8) -> String {
            expectError(code) { _ = try VectorQuantizer(dimension: dimension, design: design) }
        }
        #expect(refused(.invalidArgument, .scalar(.init(bits: 7))).contains("allowed are 8 and 4"))
        #expect(refused(.invalidArgument, .scalar(.init(quantile: 0.5))).contains("quantile"))
        #expect(refused(.invalidArgument, .scalar(.init(quantile: .nan))).contains("quantile"))
        #expect(refused(.invalidArgument, .product(.init(m: 0))).contains("pq_m is 0"))
        #expect(refused(.invalidArgument, .product(.init(m: 9))).contains("1 to dim, which is 8"))
        #expect(refused(.invalidArgument, .product(.init(m: 2, bits: 9))).contains("4, 5, 6, 7, 8, 10, 12"))
        #expect(refused(.unsupported, .product(.init(m: 2, isRotated: true)), dimension: 5000).contains("4096"))
        #expect(refused(.invalidArgument, .scalar(.init()), dimension: 0).contains("dim is 0"))
        #expect(refused(.invalidArgument, .binary(.init(bits: 0))).contains("1 to 8"))
        #expect(refused(.invalidArgument, .binary(.init(bits: 9))).contains("1 to 8"))
    }

    @Test("what is not trained makes no codes")
    func untrained() throws {
        let quantizer = try VectorQuantizer(dimension: Self.rows.dimension, design: .product(.init(m: 8)))
        #expect(!quantizer.isTrained)
        #expect(expectError(.invalidArgument) { _ = try quantizer.codes(Self.rows) }.contains("train it first"))
        expectError(.invalidArgument) { _ = try quantizer.vectors([UInt8](repeating: 0, count: 8)) }
        expectError(.invalidArgument) { _ = try quantizer.loss(Self.rows) }
        expectError(.invalidArgument) { try quantizer.train(Self.rows.picked(0..<0)) }
        try quantizer.train(Self.rows)
        #expect(quantizer.isTrained)
        #expect(expectError(.unsupported) { _ = try quantizer.distances(Self.rows, [], .cosine) }.contains("take ip"))
    }

    @Test("training that is cancelled leaves what was there", arguments: everyDesign)
    func cancel(design: QuantizerDesign) throws {
        let quantizer = try VectorQuantizer(dimension: Self.rows.dimension, design: design)
        expectError(.cancelled) { try quantizer.train(Self.rows, threads: 1) { _, _ in false } }
        #expect(!quantizer.isTrained)
        var told: [Int] = []
        try quantizer.train(Self.rows, threads: 1) { done, total in
            told.append(done)
            return done <= total
        }
        #expect(told == told.sorted() && told.last ?? 0 > 0)
        let before = try quantizer.codes(Self.rows)
        let others = DataSet.scattered.make(rows: 100, queries: 0, dimension: Self.rows.dimension, type: .float32, seed: 849).rows
        var calls = 0
        expectError(.cancelled) {
            try quantizer.train(others, threads: 2) { done, total in
                calls += 1
                return done < total
            }
        }
        #expect(try quantizer.codes(Self.rows) == before)
    }

    @Test("a lack of memory is an error, and leaves what was there")
    func memory() async {
        await #expect(processExitsWith: .success) {
            for design in QuantizerTests.everyDesign {
                let rows = DataSet.clusters.make(rows: 60, queries: 0, dimension: 24, type: .float32, seed: 852).rows
                let quantizer = try VectorQuantizer(dimension: rows.dimension, design: design)
                let failed = try failEachAllocation {
                    try quantizer.train(rows, threads: 2)
                    _ = try quantizer.vectors(quantizer.codes(rows, threads: 2), threads: 2)
                    _ = try quantizer.distances(rows.picked(0..<2), quantizer.codes(rows), .l2Squared)
                } check: {}
                try #require(failed > 5)
            }
        }
    }
}
