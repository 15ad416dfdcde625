// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecKernelTypes

/// Measures the kernels of one instruction set.
struct KernelBench {
    private let table: KernelTable
    private let repeats: Int
    private let dimension = 384
    /// Rows in the L2 cache: half of a cache of 1 MiB.
    private let cachedBytes = 512 << 10
    /// Rows in memory: far more than any cache.
    private let memoryBytes = 512 << 20
    private let memory: UnsafeMutableRawPointer
    private let query: UnsafeMutableRawPointer
    private let distances: UnsafeMutablePointer<Float>
    private let positions: UnsafeMutablePointer<UInt32>

    init(_ table: KernelTable, repeats: Int) {
        self.table = table
        self.repeats = repeats
        memory = .allocate(byteCount: memoryBytes, alignment: 1 << 21)
        madvise(memory, memoryBytes, 14)
        // Bytes from 32 to 63: small finite numbers in every type.
        var state: UInt64 = 1
        let words = memory.assumingMemoryBound(to: UInt64.self)
        for i in 0..<(memoryBytes / 8) {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            words[i] = (state >> 3 & 0x1f1f_1f1f_1f1f_1f1f) | 0x2020_2020_2020_2020
        }
        query = .allocate(byteCount: 4 * dimension, alignment: 64)
        query.copyMemory(from: memory, byteCount: 4 * dimension)
        let most = memoryBytes / (dimension / 8)
        distances = .allocate(capacity: most)
        positions = .allocate(capacity: most)
    }

    func run() {
        print("instruction set \(table.isa.name), dim \(dimension), one query, one thread; medians of \(repeats)")
        let level1 = rate(16 << 10), level2 = rate(cachedBytes), main = rate(memoryBytes)
        print("limit of plain loads: L1 \(fixed(level1, 1)) GB/s, L2 \(fixed(level2, 1)) GB/s, memory \(fixed(main, 1)) GB/s")
        print(
            padded("kernel", 22) + padded("L2 ns/row", 11, right: true) + padded("GB/s", 8, right: true)
                + padded("of limit", 10, right: true) + padded("memory ns/row", 15, right: true)
                + padded("GB/s", 8, right: true) + padded("of limit", 10, right: true)
                + padded("gather ns/row", 15, right: true))
        for type in ElementType.allCases {
            for metric in Metric.allCases {
                guard let kernels = table.distance(metric, type) else { continue }
                report(kernels, metric, type)
            }
        }
        ListCodeBench(table, repeats: repeats, memory: memory).run()
        QueryBench(table: table, repeats: repeats).run()
        memory.deallocate()
        print("")
    }

    /// GB/s of plain loads over `bytes` bytes.
    private func rate(_ bytes: Int) -> Double {
        let seconds = measure(repeats: repeats) { load(bytes) }
        return Double(bytes) / seconds / 1e9
    }

    private func load(_ bytes: Int) {
        // The comparison keeps the loads from being dropped.
        if table.load(memory, bytes) == UInt32.max { print("") }
    }

    private func report(_ kernels: DistanceKernels, _ metric: Metric, _ type: ElementType) {
        let size = type.rowSize(dimension)
        let cachedRows = cachedBytes / size, rows = memoryBytes / size
        let cached = measure(repeats: repeats, against: { load(cachedRows * size) }) {
            kernels.rows(query, memory, size, cachedRows, dimension, distances)
        }
        let large = measure(repeats: max(3, repeats / 3), against: { load(rows * size) }) {
            kernels.rows(query, memory, size, rows, dimension, distances)
        }
        // Rows in no order, as a graph visits them.
        let gathered = min(rows, 1 << 16)
        var state: UInt64 = 7
        for i in 0..<gathered {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            positions[i] = UInt32((state >> 33) % UInt64(rows))
        }
        let random = measure(repeats: max(3, repeats / 3)) {
            kernels.gather(query, memory, size, positions, gathered, dimension, distances)
        }
        func columns(_ time: (seconds: Double, ratio: Double), _ count: Int, _ width: Int) -> String {
            let gigabytes = Double(size) * Double(count) / time.seconds / 1e9
            return padded(fixed(time.seconds / Double(count) * 1e9, 2), width, right: true)
                + padded(fixed(gigabytes, 1), 8, right: true)
                + padded("\(fixed(time.ratio * 100, 0))%", 10, right: true)
        }
        print(
            padded("\(metric.name) \(type.name)", 22) + columns(cached, cachedRows, 11)
                + columns(large, rows, 15)
                + padded(fixed(random / Double(gathered) * 1e9, 1), 15, right: true))
    }
}
