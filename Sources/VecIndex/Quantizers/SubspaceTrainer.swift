// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// k-means over the short vectors of one subspace, on the calling thread. The nearest centroid is found by products with all
/// of them, which may be off by rounding.
struct SubspaceTrainer {
    private let vectors: UnsafePointer<Float>
    private let count: Int
    private let table: SubspaceTable
    private let kernelTable: KernelTable
    private let memory: Buffer
    private let codes: UnsafeMutablePointer<UInt16>
    private let least: UnsafeMutablePointer<Float>
    private let squares: UnsafeMutablePointer<Float>
    private let sums: UnsafeMutablePointer<Double>

    private static let tolerance: Double = 1e-4

    /// - Parameter vectors: `count` vectors, one behind the other.
    init(
        _ vectors: UnsafePointer<Float>, _ count: Int, _ table: SubspaceTable, _ kernelTable: KernelTable
    ) throws(VecStoreError) {
        self.vectors = vectors
        self.count = count
        self.table = table
        self.kernelTable = kernelTable
        var layout = Layout()
        let codes = layout.add(UInt16.self, count)
        let least = layout.add(Float.self, count)
        let squares = layout.add(Float.self, count)
        let sums = layout.add(Double.self, table.k * table.dimension)
        memory = try allocate(UInt8.self, layout.size, for: "training a subspace")
        self.codes = memory.pointer(UInt16.self, at: codes)
        self.least = memory.pointer(Float.self, at: least)
        self.squares = memory.pointer(Float.self, at: squares)
        self.sums = memory.pointer(Double.self, at: sums)
        for i in 0..<count {
            var square: Float = 0
            for d in 0..<table.dimension { square += vectors[i * table.dimension + d] * vectors[i * table.dimension + d] }
            self.squares[i] = square
        }
    }

    /// Puts the centroids on vectors far from each other (k-means++, of some of them).
    func start(_ random: inout SplitMix64) throws(VecStoreError) {
        let k = table.k, dimension = table.dimension
        if count <= k {
            for c in 0..<k {
                (table.centroids + c * dimension).update(from: vectors + (c % count) * dimension, count: dimension)
            }
            table.refresh()
            return
        }
        let n = min(count, 16 * k)
        let some = try allocate(Float.self, n * dimension, for: "training a subspace")
        for i in 0..<n {
            (some.pointer(Float.self) + i * dimension).update(
                from: vectors + (i * count / n) * dimension, count: dimension)
        }
        let chooser = try PlusPlusStart(some.pointer(Float.self), n, dimension: dimension, table: kernelTable)
        var next = 0
        try chooser.choose(k, &random, threads: 1) { () throws(VecStoreError) in
        } take: { position in
            (table.centroids + next * dimension).update(
                from: some.pointer(Float.self) + position * dimension, count: dimension)
            next += 1
        }
        table.refresh()
    }

    /// Passes of Lloyd's algorithm, at most so many. Returns the sum of the squared distances before the last.
    @discardableResult
    func improve(passes: Int, _ random: inout SplitMix64) throws(VecStoreError) -> Double {
        let k = table.k, dimension = table.dimension
        var last = Double.infinity
        for _ in 0..<passes {
            table.nearest(vectors, stride: dimension, count: count, codes, least)
            var objective: Double = 0
            var sizes = [Int](repeating: 0, count: k)
            for i in 0..<count {
                least[i] = max(0, squares[i] + 2 * least[i])
                objective += Double(least[i])
                sizes[Int(codes[i])] += 1
            }
            let moved = try fillEmptyCentroids(&sizes, codes, least, count, &random)
            sums.update(repeating: 0, count: k * dimension)
            for i in 0..<count {
                let sum = sums + Int(codes[i]) * dimension, vector = vectors + i * dimension
                for d in 0..<dimension { sum[d] += Double(vector[d]) }
            }
            for c in 0..<k where sizes[c] > 0 {
                let factor = 1 / Double(sizes[c])
                for d in 0..<dimension { table.centroids[c * dimension + d] = Float(sums[c * dimension + d] * factor) }
            }
            table.refresh()
            if moved == 0 && last.isFinite && last - objective <= SubspaceTrainer.tolerance * last { return objective }
            last = objective
        }
        return last
    }
}
