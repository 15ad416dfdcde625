// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Measures what is done once for each query of an inverted file, or for each row that is encoded: 384 elements, 96 tables.
struct QueryBench {
    let table: KernelTable
    let repeats: Int

    private let dimension = 384
    private let tables = 96

    func run() {
        // Aligned, as the library has them.
        func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: 4 * count, alignment: 64)
                .bindMemory(to: Float.self, capacity: count)
            var state: UInt64 = 9
            for i in 0..<count {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                memory[i] = Float(state >> 40) / Float(1 << 23) - 1
            }
            return memory
        }
        let x = floats(dimension), values = floats(16 * tables), centroids = floats(16 * dimension)
        let signs = floats(4 * dimension), sums = floats(8)
        let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: 16 * tables)
        defer {
            for memory in [x, values, centroids, signs, sums] { memory.deallocate() }
            bytes.deallocate()
        }
        for i in 0..<(4 * dimension) { signs[i] = signs[i] < 0 ? -1 : 1 }
        let part = dimension / tables
        let starts = (0...tables).map { $0 * part }, panels = starts.map { UnsafePointer(centroids + 16 * $0) }
        let lists = table.listTables
        report("rotate") { table.rotation.apply(x, dimension, signs, 4) }
        report("grid, 4 scales") { table.grid.measure(x, dimension, [6, 7, 8, 9], 7, sums) }
        report("grid, numbers") { _ = table.grid.round(x, dimension, 8, 7, bytes) }
        report("tables of signs") { lists.signs(x, dimension, values) }
        report("tables of products") { lists.products(x, starts, panels, tables, values) }
        report("tables, rounded") { _ = lists.round(values, tables, bytes, sums) }
    }

    private func report(_ name: String, _ work: () -> Void) {
        let seconds = measure(repeats: repeats, work)
        print(padded(name, 22) + padded(fixed(seconds * 1e9, 0), 11, right: true))
    }
}
