// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Chooses rows to begin with as k-means++ does: each is drawn with a probability in proportion to its squared distance to the
/// nearest of those chosen before (Arthur, Vassilvitskii: k-means++, 2007). The further it gets the less a single row changes, so
/// more and more are drawn at a time, a sixteenth of those that there are, and compared as one matrix product (after Bahmani et
/// al.: Scalable k-means++, 2012).
struct PlusPlusStart {
    private let rows: UnsafePointer<Float>
    private let count: Int
    private let dimension: Int
    private let kernels: DistanceKernels
    private let usesProducts: Bool
    private let memory: Buffer
    private let squares: UnsafeMutablePointer<Float>
    private let nearest: UnsafeMutablePointer<Float>
    private let sums: UnsafeMutablePointer<Double>
    private let drawnRows: UnsafeMutablePointer<Float>

    private static let piece = 512
    /// The rows that are drawn from, at most: k times as many are compared.
    private static let rowsPerCentroid = 16
    private static let leastRows = 16_384
    /// Rows that are drawn at a time: a part of those that there are, and at most.
    private static let drawnPart = 16
    private static let mostDrawn = 256
    /// Squared distances that are so small a part of the squared norms are rounding.
    private static let rounding: Float = 0x1p-18

    /// How many of `count` rows to draw from.
    static func sampleCount(of count: Int, k: Int) -> Int { min(count, max(rowsPerCentroid * k, leastRows)) }

    /// - Parameter rows: For cosine of norm 1, where the squared distance is twice the distance by cosine.
    init(
        _ rows: UnsafePointer<Float>, _ count: Int, dimension: Int, table: KernelTable
    ) throws(VecStoreError) {
        self.rows = rows
        self.count = count
        self.dimension = dimension
        guard let kernels = table.distance(.l2Squared, .float32), let norms = table.squaredNorms(.float32) else {
            throw VecStoreError(.internalError, "no kernel for l2sq")
        }
        self.kernels = kernels
        usesProducts = dimension >= 32 && BLAS.identity.name != "reference"
        var layout = Layout()
        let squares = layout.add(Float.self, count)
        let nearest = layout.add(Float.self, count)
        let sums = layout.add(Double.self, (count + PlusPlusStart.piece - 1) / PlusPlusStart.piece)
        let drawnRows = layout.add(Float.self, PlusPlusStart.mostDrawn * dimension)
        memory = try allocate(UInt8.self, layout.size, for: "choosing centroids")
        self.squares = memory.pointer(Float.self, at: squares)
        self.nearest = memory.pointer(Float.self, at: nearest)
        self.sums = memory.pointer(Double.self, at: sums)
        self.drawnRows = memory.pointer(Float.self, at: drawnRows)
        norms(rows, 4 * dimension, count, dimension, self.squares)
    }

    /// Calls `take` with the positions of k rows. `goOn` is asked before each draw.
    func choose(
        _ k: Int, _ random: inout SplitMix64, threads: Int, goOn: () throws(VecStoreError) -> Void, take: (Int) -> Void
    ) throws(VecStoreError) {
        nearest.update(repeating: .infinity, count: count)
        var drawn = [random.below(count)]
        var chosen = 0
        while true {
            try goOn()
            drawn.forEach(take)
            chosen += drawn.count
            if chosen >= k { return }
            try compare(with: drawn, threads: threads)
            drawn.removeAll(keepingCapacity: true)
            for _ in 0..<min(max(1, chosen / PlusPlusStart.drawnPart), PlusPlusStart.mostDrawn, k - chosen) {
                drawn.append(draw(&random))
            }
        }
    }

    /// Draws a row, and takes note that it is not to be drawn again.
    private func draw(_ random: inout SplitMix64) -> Int {
        var total: Double = 0
        for task in 0..<taskCount { total += sums[task] }
        // Where every row is one that was chosen, there is nothing to prefer.
        guard total > 0 else { return random.below(count) }
        let chosen = position(at: total * random.uniform())
        nearest[chosen] = 0
        sumUp(chosen / PlusPlusStart.piece)
        return chosen
    }

    private var taskCount: Int { (count + PlusPlusStart.piece - 1) / PlusPlusStart.piece }

    private func range(_ task: Int) -> Range<Int> {
        (task * PlusPlusStart.piece)..<min((task + 1) * PlusPlusStart.piece, count)
    }

    private func sumUp(_ task: Int) {
        var sum: Double = 0
        for i in range(task) { sum += Double(nearest[i]) }
        sums[task] = sum
    }

    /// Takes note of rows that were chosen.
    private func compare(with drawn: [Int], threads: Int) throws(VecStoreError) {
        for (c, position) in drawn.enumerated() {
            (drawnRows + c * dimension).update(from: rows + position * dimension, count: dimension)
        }
        let errors = ErrorBox()
        ThreadPool.shared.run(tasks: taskCount, threads: threads) { task in
            errors.run { () throws(VecStoreError) in
                let range = range(task)
                let memory = try allocate(Float.self, drawn.count * range.count, for: "the distances of \(range.count) rows")
                let distances = memory.pointer(Float.self)
                if usesProducts && drawn.count > 1 {
                    try measureByProducts(drawn, range, distances)
                } else {
                    for c in 0..<drawn.count {
                        kernels.rows(
                            drawnRows + c * dimension, rows + range.lowerBound * dimension, 4 * dimension, range.count, dimension,
                            distances + c * range.count)
                    }
                }
                let near = nearest + range.lowerBound
                for c in 0..<drawn.count {
                    let distance = distances + c * range.count
                    for i in 0..<range.count where distance[i] < near[i] { near[i] = distance[i] }
                }
                sumUp(task)
            }
        }
        try errors.rethrow()
    }

    private func measureByProducts(
        _ drawn: [Int], _ range: Range<Int>, _ distances: UnsafeMutablePointer<Float>
    ) throws(VecStoreError) {
        try BLAS.onOneThread {
            BLAS.innerProducts(
                queries: drawnRows, count: drawn.count, rows: rows + range.lowerBound * dimension, rowCount: range.count,
                dimension: dimension, products: distances, stride: range.count)
        }
        for (c, position) in drawn.enumerated() {
            let distance = distances + c * range.count, square = squares[position]
            for i in 0..<range.count {
                let both = square + squares[range.lowerBound + i]
                let squared = both - 2 * distance[i]
                distance[i] = squared > PlusPlusStart.rounding * both ? squared : 0
            }
        }
    }

    /// The row in which a running sum of the distances passes `target`.
    private func position(at target: Double) -> Int {
        var left = target
        var task = 0
        while task + 1 < taskCount && left >= sums[task] {
            left -= sums[task]
            task += 1
        }
        var last = range(task).lowerBound
        for i in range(task) where nearest[i] > 0 {
            last = i
            left -= Double(nearest[i])
            if left < 0 { break }
        }
        return last
    }
}
