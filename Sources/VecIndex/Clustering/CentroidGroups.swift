// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Which rows belong to which centroid. Sums are made of the rows of one centroid in their order, so they do not depend on
/// the number of threads.
struct CentroidGroups {
    let k: Int
    let count: Int
    private let memory: Buffer
    /// The rows of centroid c are order[starts[c]] ..< order[starts[c + 1]].
    private let starts: UnsafeMutablePointer<Int>
    private let order: UnsafeMutablePointer<UInt32>

    private static let piece = 8
    private static let partRows = 32

    /// Room for `count` rows.
    init(k: Int, count: Int) throws(VecStoreError) {
        self.k = k
        self.count = count
        var layout = Layout()
        let starts = layout.add(Int.self, k + 2)
        let order = layout.add(UInt32.self, count)
        memory = try allocate(UInt8.self, layout.size, for: "the groups of \(count) rows")
        self.starts = memory.pointer(Int.self, at: starts)
        self.order = memory.pointer(UInt32.self, at: order)
    }

    /// Takes note of where the first `n` rows belong (counting sort).
    func group(_ assignments: UnsafePointer<UInt32>, _ n: Int) {
        for c in 0..<(k + 2) { starts[c] = 0 }
        // One place further than where they end up: filling moves each start to its end.
        for i in 0..<n { starts[Int(assignments[i]) + 2] += 1 }
        for c in 1..<(k + 2) { starts[c] += starts[c - 1] }
        for i in 0..<n {
            let c = Int(assignments[i]) + 1
            order[starts[c]] = UInt32(truncatingIfNeeded: i)
            starts[c] += 1
        }
    }

    /// Rows of a centroid.
    func size(_ c: Int) -> Int { starts[c + 1] - starts[c] }

    /// Calls `body` with each centroid that has rows: its number, how many, and their sum (for cosine, of the rows scaled to
    /// norm 1).
    func sum(
        _ rows: TrainingRows, _ kernel: SumRowsKernel, threads: Int,
        _ body: (_ centroid: Int, _ count: Int, _ sums: UnsafePointer<Double>) -> Void
    ) throws(VecStoreError) {
        let piece = CentroidGroups.piece, dimension = rows.dimension
        let errors = ErrorBox()
        ThreadPool.shared.run(tasks: (k + piece - 1) / piece, threads: threads) { task in
            errors.run { () throws(VecStoreError) in
                let memory = try allocate(Double.self, 2 * dimension, for: "the sum of rows")
                let sums = memory.pointer(Double.self), part = memory.pointer(Float.self, at: 8 * dimension)
                for c in (task * piece)..<min((task + 1) * piece, k) where size(c) > 0 {
                    sums.update(repeating: 0, count: dimension)
                    var from = starts[c]
                    while from < starts[c + 1] {
                        // So few rows that float32 loses next to nothing.
                        let n = min(CentroidGroups.partRows, starts[c + 1] - from)
                        kernel(rows.base, 4 * dimension, order + from, rows.inverseNorms, n, dimension, part)
                        for d in 0..<dimension { sums[d] += Double(part[d]) }
                        from += n
                    }
                    body(c, size(c), sums)
                }
            }
        }
        try errors.rethrow()
    }
}

/// Makes a sum of rows the new centroid: their mean, or for cosine the direction of their sum. A sum without direction
/// leaves the centroid where it is.
func setMean(
    _ centroid: UnsafeMutablePointer<Float>, _ sums: UnsafePointer<Double>, _ count: Double, dimension: Int,
    metric: Metric
) {
    var factor = 1 / count
    if metric == .cosine {
        var square: Double = 0
        for d in 0..<dimension { square += sums[d] * sums[d] }
        // Rows have norm 1: a sum as short as this is rounding.
        guard square.squareRoot() > count * 0x1p-40 else { return }
        factor = 1 / square.squareRoot()
    }
    for d in 0..<dimension { centroid[d] = Float(sums[d] * factor) }
}
