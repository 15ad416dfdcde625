// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes
import VecKernels

/// Compares direct comparison with matrix products, by the number of queries and the dimension.
func measureCrossover(repeats: Int) {
    print("time per query in microseconds over 16,384 rows (l2sq, float32, one thread): direct, product")
    let rows = 16_384
    for dimension in [16, 64, 128, 384, 768, 1536] {
        var state: UInt64 = 3
        func random() -> Float {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(state >> 40) / Float(1 << 24)
        }
        let base = (0..<(rows * dimension)).map { _ in random() }
        var line = padded("dim \(dimension)", 10)
        for queries in [1, 2, 4, 8, 16, 32, 64, 128] {
            let block = (0..<(queries * dimension)).map { _ in random() }
            var times: [Double] = []
            for strategy in [ScanStrategy.direct, .products] {
                times.append(
                    measure(repeats: repeats) {
                        ScanStrategy.time(
                            strategy, block, queries, base, rows, dimension: dimension, table: .current)
                    } / Double(queries) * 1e6)
            }
            line += padded("\(queries): \(fixed(times[0], 0)), \(fixed(times[1], 0))", 18, right: true)
        }
        print(line)
    }
}
