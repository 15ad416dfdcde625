// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Vectors of a caller that training reads: any type but bits, any alignment.
struct RowSource {
    let vectors: UnsafeRawPointer
    let type: ElementType
    let count: Int
    let dimension: Int
    let metric: Metric
    let table: KernelTable

    private static let piece = 1024

    init(
        _ vectors: UnsafeRawPointer, _ type: ElementType, _ count: Int, dimension: Int, metric: Metric, table: KernelTable
    ) throws(VecStoreError) {
        guard type != .bits else {
            throw VecStoreError(
                .unsupported, "vectors of bits have no means: allowed are float32, float16, bfloat16, int8 and uint8")
        }
        self.vectors = vectors
        self.type = type
        self.count = count
        self.dimension = dimension
        self.metric = metric
        self.table = table
    }

    /// Refuses vectors that no distance is defined for.
    func check(threads: Int) throws(VecStoreError) {
        guard let kernel = table.squaredNorms(type) else {
            throw VecStoreError(.internalError, "no kernel for the norms of \(type.name)")
        }
        let size = type.rowSize(dimension), piece = RowSource.piece
        let check = VectorCheck(metric: metric, noun: "vector")
        let squares = try allocate(Float.self, count, for: "the norms of \(count) vectors")
        try ThreadPool.shared.runPieces(of: piece, count: count, threads: threads) { (first, n) throws(VecStoreError) in
            try check.check(
                vectors + first * size, type: type, count: n, dimension: dimension, kernel: kernel, table: table,
                squares: squares.pointer(Float.self) + first, firstNumber: first)
        }
    }

    /// Vectors `from` ..< `from` + `count` as float32: where they lie, or copied into `room`.
    func floats(
        _ from: Int, _ count: Int, _ room: UnsafeMutablePointer<Float>
    ) throws(VecStoreError) -> UnsafePointer<Float> {
        let source = vectors + from * type.rowSize(dimension)
        if isReadable { return source.assumingMemoryBound(to: Float.self) }
        try convertElements(source, type, room, .float32, count * dimension, table)
        return UnsafePointer(room)
    }

    /// Whether the vectors can be read as float32 where they lie.
    var isReadable: Bool { type == .float32 && Int(bitPattern: vectors) & 3 == 0 }

    /// Copies the vectors at some positions as float32.
    func copy(
        _ positions: UnsafePointer<UInt32>, _ count: Int, _ target: UnsafeMutablePointer<Float>, threads: Int
    ) throws(VecStoreError) {
        let size = type.rowSize(dimension), piece = RowSource.piece
        try ThreadPool.shared.runPieces(of: piece, count: count, threads: threads) { (from, n) throws(VecStoreError) in
            for i in from..<(from + n) {
                try convertElements(
                    vectors + Int(positions[i]) * size, type, target + i * dimension, .float32, dimension, table)
            }
        }
    }
}

/// `wanted` different positions of `count`, in order, each choice equally likely (Knuth, The Art of Computer Programming,
/// volume 2, 3.4.2, algorithm S). Where all are wanted no number is drawn.
func drawPositions(
    _ wanted: Int, of count: Int, _ random: inout SplitMix64
) throws(VecStoreError) -> Buffer {
    let memory = try allocate(UInt32.self, wanted, for: "a sample of \(wanted) rows")
    let positions = memory.pointer(UInt32.self)
    if wanted == count {
        for i in 0..<count { positions[i] = UInt32(truncatingIfNeeded: i) }
        return memory
    }
    var taken = 0
    for i in 0..<count where taken < wanted {
        if Double(count - i) * random.uniform() < Double(wanted - taken) {
            positions[taken] = UInt32(truncatingIfNeeded: i)
            taken += 1
        }
    }
    return memory
}
