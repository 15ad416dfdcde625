// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Some of a caller's vectors as float32, one behind the other: where they lie, or copied.
struct SampleRows {
    let base: UnsafePointer<Float>
    let count: Int
    private let memory: Buffer?

    /// `count` vectors, drawn at random; all where there are no more.
    init(_ source: RowSource, count: Int, _ random: inout SplitMix64, threads: Int) throws(VecStoreError) {
        let count = min(count, source.count)
        if count == source.count && source.isReadable {
            self.init(source.vectors.assumingMemoryBound(to: Float.self), count, nil)
            return
        }
        let positions = try drawPositions(count, of: source.count, &random)
        try self.init(source, positions.pointer(UInt32.self), count, threads: threads)
    }

    /// The vectors at some positions.
    init(
        _ source: RowSource, _ positions: UnsafePointer<UInt32>, _ count: Int, threads: Int
    ) throws(VecStoreError) {
        let memory = try allocate(Float.self, count * source.dimension, for: "\(count) vectors to train on")
        try source.copy(positions, count, memory.pointer(Float.self), threads: threads)
        self.init(memory.pointer(Float.self), count, memory)
    }

    private init(_ base: UnsafePointer<Float>, _ count: Int, _ memory: Buffer?) {
        self.base = base
        self.count = count
        self.memory = memory
    }
}
