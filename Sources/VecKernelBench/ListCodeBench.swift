// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Measures the kernels over 4-bit codes of lists, for 96 tables: half a byte of codes for each of 96 numbers.
struct ListCodeBench {
    let table: KernelTable
    let repeats: Int
    /// Any bytes: codes and tables.
    let memory: UnsafeMutableRawPointer

    private let groups = 24
    /// Blocks in the L2 cache, and in one call: a list of 2,048 rows.
    private let cachedBlocks = 64
    /// Blocks in memory.
    private let blocks = 100_000
    private var blockBytes: Int { ListCodeKernels.groupBytes * groups }

    init(_ table: KernelTable, repeats: Int, memory: UnsafeMutableRawPointer) {
        self.table = table
        self.repeats = repeats
        self.memory = memory
    }

    func run() {
        let kernels = table.listCodes, stride = blockBytes, groups = groups
        let codes = UnsafePointer(memory.assumingMemoryBound(to: UInt8.self))
        let rows = ListCodeKernels.blockRows * cachedBlocks
        // Tables and sums do not lie among the codes.
        let tables = UnsafeMutablePointer<UInt8>.allocate(capacity: 2 * stride)
        let sums = UnsafeMutablePointer<Int32>.allocate(capacity: 2 * rows)
        let offsets = UnsafeMutablePointer<Float>.allocate(capacity: 2 * rows)
        let positions = UnsafeMutablePointer<UInt32>.allocate(capacity: rows)
        let values = UnsafeMutablePointer<Float>.allocate(capacity: rows)
        defer {
            tables.deallocate()
            sums.deallocate()
            offsets.deallocate()
            positions.deallocate()
            values.deallocate()
        }
        for i in 0..<(2 * stride) { tables[i] = codes[i] &* 37 }
        for i in 0..<(2 * rows) { offsets[i] = Float(i * 40_503 % 65_536) / 65_536 }
        report("list sums") { at, blocks in
            kernels.sums(codes + at * stride, stride, blocks, groups, tables, sums)
        }
        report("list sums, 2 queries") { at, blocks in
            kernels.sums2(codes + at * stride, stride, blocks, groups, tables, tables + stride, sums, sums + rows)
        }
        // Offsets from 0 to 1, factors of 1 and sums that count for nothing: the limit is the share that passes.
        for i in 0..<rows { offsets[rows + i] = 1 }
        for share in [Float(0), 0.01, 0.1, 1] {
            let seconds = measure(repeats: repeats) {
                _ = kernels.select(sums, offsets, offsets + rows, 128, rows, 0, 0, 0, share, positions, values)
            }
            line("list select, \(fixed(Double(share) * 100, 0))%", seconds / Double(rows))
        }
    }

    /// - Parameter work: Takes blocks, so many from one on.
    private func report(_ name: String, _ work: (_ at: Int, _ blocks: Int) -> Void) {
        let cached = measure(repeats: repeats) { work(0, cachedBlocks) }
        let large = measure(repeats: max(3, repeats / 3)) {
            var at = 0
            while at < blocks {
                work(at, min(cachedBlocks, blocks - at))
                at += cachedBlocks
            }
        }
        line(
            name, cached / Double(ListCodeKernels.blockRows * cachedBlocks),
            large / Double(ListCodeKernels.blockRows * blocks))
    }

    /// In the columns of the kernels of distances.
    private func line(_ name: String, _ cached: Double, _ large: Double? = nil) {
        func rate(_ seconds: Double) -> String {
            let bytes = Double(blockBytes) / Double(ListCodeKernels.blockRows)
            return padded(fixed(bytes / seconds / 1e9, 1), 8, right: true)
        }
        var text = padded(name, 22) + padded(fixed(cached * 1e9, 2), 11, right: true)
        if let large {
            text += rate(cached) + padded(fixed(large * 1e9, 2), 25, right: true) + rate(large)
        }
        print(text)
    }
}
