// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Chooses rows to begin with as k-means++ does: one after the other, each drawn with a probability in proportion to its
/// squared distance to the nearest chosen so far (Arthur, Vassilvitskii: k-means++, 2007).
struct PlusPlusStart {
    private let rows: UnsafePointer<Float>
    private let count: Int
    private let dimension: Int
    private let kernels: DistanceKernels
    private let memory: Buffer
    private let distances: UnsafeMutablePointer<Float>
    private let nearest: UnsafeMutablePointer<Float>
    private let sums: UnsafeMutablePointer<Double>

    private static let piece = 512
    /// The rows that are drawn from, at most: k times as many are compared.
    private static let rowsPerCentroid = 16
    private static let leastRows = 16_384

    /// How many of `count` rows to draw from.
    static func sampleCount(of count: Int, k: Int) -> Int { min(count, max(rowsPerCentroid * k, leastRows)) }

    /// - Parameter rows: For cosine of norm 1, where the squared distance is twice the distance by cosine.
    init(
        _ rows: UnsafePointer<Float>, _ count: Int, dimension: Int, table: KernelTable
    ) throws(VecStoreError) {
        self.rows = rows
        self.count = count
        self.dimension = dimension
        guard let kernels = table.distance(.l2Squared, .float32) else {
            throw VecStoreError(.internalError, "no kernel for l2sq")
        }
        self.kernels = kernels
        var layout = Layout()
        let distances = layout.add(Float.self, count)
        let nearest = layout.add(Float.self, count)
        let sums = layout.add(Double.self, (count + PlusPlusStart.piece - 1) / PlusPlusStart.piece)
        memory = try allocate(UInt8.self, layout.size, for: "choosing centroids")
        self.distances = memory.pointer(Float.self, at: distances)
        self.nearest = memory.pointer(Float.self, at: nearest)
        self.sums = memory.pointer(Double.self, at: sums)
    }

    /// Calls `take` with the positions of k rows. `goOn` is asked before each.
    func choose(
        _ k: Int, _ random: inout SplitMix64, threads: Int, goOn: () throws(VecStoreError) -> Void, take: (Int) -> Void
    ) throws(VecStoreError) {
        nearest.update(repeating: .infinity, count: count)
        var chosen = random.below(count)
        for c in 0..<k {
            try goOn()
            take(chosen)
            if c + 1 == k { break }
            let total = compare(with: chosen, threads: threads)
            // Where every row is one that was chosen, there is nothing to prefer.
            chosen = total > 0 ? position(at: total * random.uniform()) : random.below(count)
        }
    }

    /// Takes note of a row that was chosen. Returns the sum of all distances to the nearest.
    private func compare(with chosen: Int, threads: Int) -> Double {
        let piece = PlusPlusStart.piece
        let tasks = (count + piece - 1) / piece
        ThreadPool.shared.run(tasks: tasks, threads: threads) { task in
            let from = task * piece
            let n = min(piece, count - from)
            kernels.rows(
                rows + chosen * dimension, rows + from * dimension, 4 * dimension, n, dimension, distances + from)
            var sum: Double = 0
            for i in from..<(from + n) {
                nearest[i] = min(nearest[i], distances[i])
                sum += Double(nearest[i])
            }
            sums[task] = sum
        }
        var total: Double = 0
        for task in 0..<tasks { total += sums[task] }
        return total
    }

    /// The row in which a running sum of the distances passes `target`.
    private func position(at target: Double) -> Int {
        var left = target
        var task = 0
        let tasks = (count + PlusPlusStart.piece - 1) / PlusPlusStart.piece
        while task + 1 < tasks && left >= sums[task] {
            left -= sums[task]
            task += 1
        }
        let from = task * PlusPlusStart.piece
        var last = from
        for i in from..<min(from + PlusPlusStart.piece, count) where nearest[i] > 0 {
            last = i
            left -= Double(nearest[i])
            if left < 0 { break }
        }
        return last
    }
}
