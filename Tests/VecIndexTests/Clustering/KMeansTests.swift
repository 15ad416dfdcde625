// k-means, on data whose best centroids are known, and on real rows.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

@Suite("k-means")
struct KMeansTests {
    private static let starts = CentroidStart.allCases
    private static let metrics = [Metric.l2Squared, .cosine]
    private static let real = RealRows.make(1000, .float32).rows

    private func vectors(_ rows: [[Float]]) -> Vectors {
        Vectors(Array(rows.joined()), dimension: rows[0].count, type: .float32)
    }

    private func centroid(_ c: Int, of clusters: Clusters, _ dimension: Int) -> [Float] {
        Array(clusters.centroids[(c * dimension)..<((c + 1) * dimension)])
    }

    // MARK: - Finding what is there

    @Test("it finds groups that lie far apart", arguments: starts, [nil, 64])
    func groups(start: CentroidStart, batchSize: Int?) throws {
        var random = Random(seed: 821)
        var rows: [[Float]] = []
        for i in 0..<600 {
            var row = (0..<6).map { _ in random.unit() }
            row[i % 6] += 100
            rows.append(row)
        }
        // A random start may put two centroids into one group, which Lloyd alone does not mend.
        let found = try Clusters(
            vectors(rows), KMeansOptions(k: 6, start: start, seed: 3, batchSize: batchSize, restarts: 20))
        for i in 0..<600 { #expect(found.assignments[i] == found.assignments[i % 6]) }
        #expect(Set(found.assignments).count == 6)
    }

    @Test("the objective is the sum of the distances to the nearest centroids", arguments: metrics)
    func objective(metric: Metric) throws {
        let found = try Clusters(Self.real, KMeansOptions(k: 40, metric: metric))
        let centroids = Vectors(found.centroids, dimension: Self.real.dimension, type: .float32)
        var sum = 0.0
        for i in 0..<Self.real.count {
            let all = (0..<40).map { Reference.distance(metric, Self.real, i, centroids, $0).value }
            let least = try #require(all.min())
            sum += least
            #expect(all[Int(found.assignments[i])] <= least + 1e-5)
        }
        #expect(abs(found.objective - sum) <= 1e-4 * sum)
    }

    @Test("each pass lowers the objective", arguments: metrics)
    func descent(metric: Metric) throws {
        var last = Double.infinity
        for iterations in 1...8 {
            let found = try Clusters(
                Self.real, KMeansOptions(k: 50, metric: metric, start: .random, iterations: iterations, tolerance: -1))
            #expect(found.iterations == iterations)
            #expect(found.objective < last)
            last = found.objective
        }
    }

    @Test("where it ends by itself, every centroid is the mean of its rows")
    func fixedPoint() throws {
        let found = try Clusters(Self.real, KMeansOptions(k: 20, iterations: 500, tolerance: -1))
        #expect(found.isConverged && found.iterations < 500)
        let dimension = Self.real.dimension
        var sums = [Double](repeating: 0, count: 20 * dimension)
        for i in 0..<Self.real.count {
            let first = Int(found.assignments[i]) * dimension
            for d in 0..<dimension { sums[first + d] += Self.real.values[i * dimension + d] }
        }
        for c in 0..<20 {
            for d in 0..<dimension {
                let mean = sums[c * dimension + d] / Double(found.sizes[c])
                #expect(abs(Double(found.centroids[c * dimension + d]) - mean) < 1e-6)
            }
        }
    }

    @Test("spherical k-means sees directions alone, and gives centroids of norm 1")
    func spherical() throws {
        let options = KMeansOptions(k: 30, metric: .cosine)
        let plain = try Clusters(Self.real, options)
        // Powers of two change nothing but the exponents.
        let floats = (0..<Self.real.count).flatMap { i in Self.real.floats(i).map { $0 * (i % 2 == 0 ? 4 : 0.25) } }
        let scaled = try Clusters(Vectors(floats, dimension: Self.real.dimension, type: .float32), options)
        #expect(plain.assignments == scaled.assignments)
        for c in 0..<30 {
            let norm = centroid(c, of: plain, Self.real.dimension).reduce(0.0) { $0 + Double($1) * Double($1) }
            #expect(abs(norm - 1) < 1e-5)
        }
    }

    @Test("more runs never end worse than the first")
    func restarts() throws {
        let one = try Clusters(Self.real, KMeansOptions(k: 40, start: .random, tolerance: -1))
        let five = try Clusters(Self.real, KMeansOptions(k: 40, start: .random, tolerance: -1, restarts: 5))
        #expect(five.objective <= one.objective * 1.0001)
    }

    @Test("k-means++ begins better than a random start")
    func plusPlus() throws {
        var random = Random(seed: 822)
        // One large group and many small ones far away, which a random start misses.
        var rows: [[Float]] = []
        for i in 0..<4000 {
            var row = (0..<8).map { _ in random.unit() }
            if i % 100 == 0 { for d in 0..<8 { row[d] += Float(i / 100 * (d + 1)) } }
            rows.append(row)
        }
        func objective(_ start: CentroidStart) throws -> Double {
            try Clusters(vectors(rows), KMeansOptions(k: 40, start: start, iterations: 1)).objective
        }
        #expect(try objective(.plusPlus) < 0.5 * objective(.random))
    }

    @Test("batches come near to what all rows at once find", arguments: metrics)
    func miniBatch(metric: Metric) throws {
        let all = try Clusters(Self.real, KMeansOptions(k: 30, metric: metric))
        let batches = try Clusters(Self.real, KMeansOptions(k: 30, metric: metric, batchSize: 200))
        #expect(batches.objective < 1.08 * all.objective)
    }

    // MARK: - Peculiar data

    @Test("as many centroids as different rows leave no distance", arguments: starts)
    func asManyAsRows(start: CentroidStart) throws {
        let rows = DataSet.scattered.make(rows: 40, queries: 0, dimension: 9, type: .float32, seed: 823).rows
        let found = try Clusters(rows, KMeansOptions(k: 40, start: start))
        #expect(found.objective == 0)
        #expect(Set(found.assignments).count == 40)
    }

    @Test("more centroids than different rows: some are equal, and none is far", arguments: starts, [nil, 50])
    func duplicates(start: CentroidStart, batchSize: Int?) throws {
        let rows = DataSet.duplicates.make(rows: 400, queries: 0, dimension: 12, type: .float32, seed: 824).rows
        for k in [10, 11, 60, 400] {
            let found = try Clusters(rows, KMeansOptions(k: k, start: start, batchSize: batchSize))
            #expect(found.centroids.allSatisfy { $0.isFinite })
            // Means of equal rows may be off by a rounding.
            if batchSize == nil { #expect(found.objective < 1e-9) }
        }
    }

    @Test("rows that are all equal become the centroids", arguments: metrics)
    func constant(metric: Metric) throws {
        let row: [Float] = [3, -1, 2]
        let found = try Clusters(
            vectors(Array(repeating: row, count: 100)), KMeansOptions(k: 7, metric: metric))
        #expect(found.objective < 1e-5)
        #expect(Set(found.assignments).count == 1)
        #expect(found.centroids.allSatisfy { $0.isFinite })
        if metric == .l2Squared { #expect(found.centroids == Array(repeating: row, count: 7).flatMap { $0 }) }
    }

    @Test("centroids that lose their rows get others", arguments: [nil, 200])
    func emptyClusters(batchSize: Int?) throws {
        var random = Random(seed: 825)
        // A random start takes its centroids from the many equal rows.
        var rows = [[Float]](repeating: [1, 1, 1, 1], count: 1900)
        for _ in 0..<100 { rows.append((0..<4).map { _ in 1000 * random.unit() }) }
        let found = try Clusters(
            vectors(rows), KMeansOptions(k: 30, start: .random, iterations: 60, tolerance: -1, batchSize: batchSize))
        #expect(Set(found.assignments).count >= (batchSize == nil ? 30 : 20))
    }

    @Test("opposite rows, whose sum has no direction, keep their centroid")
    func opposite() throws {
        let rows = vectors([[1, 0], [-1, 0], [1, 0], [-1, 0]])
        let found = try Clusters(rows, KMeansOptions(k: 1, metric: .cosine))
        #expect(found.objective == 4)
        #expect(found.centroids.map(abs) == [1, 0])
    }

    @Test(
        "any kind of data gives finite centroids, and an objective no worse than one centroid", arguments: metrics,
        DataSet.allCases)
    func kinds(metric: Metric, kind: DataSet) throws {
        guard DataSet.suitable(for: metric, .float32).contains(kind) else { return }
        let rows = kind.make(rows: 500, queries: 0, dimension: 40, type: .float32, seed: 826).rows
        let one = try Clusters(rows, KMeansOptions(k: 1, metric: metric))
        for start in Self.starts {
            let found = try Clusters(rows, KMeansOptions(k: 25, metric: metric, start: start))
            #expect(found.centroids.allSatisfy { $0.isFinite })
            #expect(found.objective.isFinite && found.objective <= one.objective * 1.0001)
        }
    }

    // MARK: - What it takes

    @Test("every type of element, aligned or not, gives what float32 rows of the same values give")
    func types() throws {
        for type in [ElementType.float16, .bfloat16, .int8, .uint8] {
            let rows = DataSet.scattered.make(rows: 300, queries: 0, dimension: 20, type: type, seed: 827).rows
            let floats = Vectors((0..<300).flatMap { rows.floats($0) }, dimension: 20, type: .float32)
            let (a, b) = (try Clusters(rows, KMeansOptions(k: 10)), try Clusters(floats, KMeansOptions(k: 10)))
            #expect(a.objective == b.objective && a.assignments == b.assignments, "\(type.name)")
        }
        let shifted = [0] + Self.real.bytes
        var assignments = [UInt32](repeating: 0, count: Self.real.count)
        try shifted.withUnsafeBytes { bytes in
            var kMeans = try KMeans(
                bytes.baseAddress! + 1, .float32, Self.real.count, dimension: Self.real.dimension,
                options: KMeansOptions(k: 10))
            let found = try kMeans.train()
            _ = try kMeans.assign(found.table, &assignments, nil)
        }
        #expect(assignments == (try Clusters(Self.real, KMeansOptions(k: 10))).assignments)
    }

    @Test("the number of threads changes nothing, another seed does", arguments: metrics, [nil, 200])
    func determinism(metric: Metric, batchSize: Int?) throws {
        func run(threads: Int, seed: UInt64) throws -> [Float] {
            let options = KMeansOptions(
                k: 30, metric: metric, seed: seed, sample: batchSize == nil ? 600 : nil, batchSize: batchSize,
                threads: threads)
            return try Clusters(Self.real, options).centroids
        }
        let one = try run(threads: 1, seed: 5)
        #expect(try run(threads: 2, seed: 5) == one)
        #expect(try run(threads: 7, seed: 5) == one)
        #expect(try run(threads: 1, seed: 6) != one)
    }

    @Test("a sample is as large as asked for, and never smaller than k or larger than all")
    func sample() throws {
        #expect(try Clusters(Self.real, KMeansOptions(k: 10, sample: 500)).trainedCount == 500)
        #expect(try Clusters(Self.real, KMeansOptions(k: 10, sample: .max)).trainedCount == 1000)
        #expect(try Clusters(Self.real, KMeansOptions(k: 3)).trainedCount == 768)
        #expect(try Clusters(Self.real, KMeansOptions(k: 100, sample: 100)).trainedCount == 100)
    }

    @Test("a sample is nearly as good as all rows")
    func sampleQuality() throws {
        let all = try Clusters(Self.real, KMeansOptions(k: 10, sample: .max))
        let some = try Clusters(Self.real, KMeansOptions(k: 10, sample: 500))
        #expect(some.objective < 1.04 * all.objective)
    }

    // MARK: - Refusals

    @Test("what makes no sense is refused with the reason")
    func refusals() throws {
        let rows = DataSet.scattered.make(rows: 20, queries: 0, dimension: 4, type: .float32, seed: 828).rows
        func refused(_ code: VecStoreError.Code, _ options: KMeansOptions) -> String {
            expectError(code) { _ = try Clusters(rows, options) }
        }
        #expect(refused(.invalidArgument, KMeansOptions(k: 21)).contains("there are 20 rows"))
        #expect(refused(.invalidArgument, KMeansOptions(k: 0)).contains("k is 0"))
        #expect(refused(.unsupported, KMeansOptions(k: 2, metric: .innerProduct)).contains("allowed are l2sq"))
        #expect(refused(.invalidArgument, KMeansOptions(k: 2, iterations: 0)).contains("max_iterations"))
        #expect(refused(.invalidArgument, KMeansOptions(k: 2, tolerance: .nan)).contains("tolerance"))
        #expect(refused(.invalidArgument, KMeansOptions(k: 5, sample: 4)).contains("sample is 4"))
        #expect(refused(.invalidArgument, KMeansOptions(k: 5, batchSize: 0)).contains("batch_size"))
        #expect(refused(.invalidArgument, KMeansOptions(k: 5, restarts: 0)).contains("restarts"))
        let bits = Vectors([1, 0, 1, 0], dimension: 2, type: .bits)
        #expect(expectError(.unsupported) { _ = try Clusters(bits, KMeansOptions(k: 1)) }.contains("bits"))
    }

    @Test("a vector that is no vector is named, even where it would not be trained on")
    func badVectors() throws {
        var floats = [Float](repeating: 1, count: 400)
        floats[4 * 77 + 2] = .nan
        let message = expectError(.notFinite) {
            _ = try Clusters(Vectors(floats, dimension: 4, type: .float32), KMeansOptions(k: 2, sample: 2))
        }
        #expect(message.contains("vector 77"))
        floats[4 * 77 + 2] = 1
        for d in 0..<4 { floats[4 * 50 + d] = 0 }
        expectError(.zeroVector) {
            _ = try Clusters(Vectors(floats, dimension: 4, type: .float32), KMeansOptions(k: 2, metric: .cosine))
        }
    }

    // MARK: - Progress

    @Test("progress goes from the beginning to the end", arguments: [nil, 300])
    func progress(batchSize: Int?) throws {
        var told: [(done: Int, total: Int)] = []
        _ = try Clusters(Self.real, KMeansOptions(k: 20, batchSize: batchSize, restarts: 2)) { done, total in
            told.append((done, total))
            return true
        }
        #expect(told.last?.done == told.last?.total)
        #expect(Set(told.map(\.total)).count == 1)
        #expect(told.map(\.done) == told.map(\.done).sorted())
    }

    @Test("it can be cancelled at any time, and then gives nothing", arguments: [nil, 300])
    func cancel(batchSize: Int?) throws {
        var calls = 0
        _ = try Clusters(Self.real, KMeansOptions(k: 80, iterations: 4, batchSize: batchSize)) { _, _ in
            calls += 1
            return true
        }
        for stop in 1...calls {
            var n = 0
            expectError(.cancelled) {
                _ = try Clusters(Self.real, KMeansOptions(k: 80, iterations: 4, batchSize: batchSize)) { _, _ in
                    n += 1
                    return n < stop
                }
            }
            #expect(n == stop)
        }
    }

    @Test("a lack of memory is an error and nothing else")
    func memory() async {
        await #expect(processExitsWith: .success) {
            for batchSize in [nil, 300] {
                let options = KMeansOptions(
                    k: 20, metric: .cosine, iterations: 3, sample: batchSize == nil ? 700 : nil, batchSize: batchSize, threads: 2)
                let failed = try failEachAllocation { _ = try Clusters(KMeansTests.real, options) } check: {}
                try #require(failed > 10)
            }
        }
    }
}
