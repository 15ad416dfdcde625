// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Vectors of a caller, checked, in the type of the rows of an index.
struct RowBatch {
    let rows: UnsafeRawPointer
    let count: Int
    let type: ElementType
    let dimension: Int
    /// Σ x² of each row; nil for bits.
    let squaredNorms: UnsafePointer<Float>?
    private let memory: [Buffer]

    private static let piece = 256

    init(
        _ vectors: UnsafeRawPointer, _ source: ElementType, _ count: Int, dimension: Int, metric: Metric, type: ElementType,
        needsHalfRange: Bool, _ table: KernelTable, threads: Int
    ) throws(VecStoreError) {
        try checkType(source, for: type)
        self.count = count
        self.type = type
        self.dimension = dimension
        let size = type.rowSize(dimension), sourceSize = source.rowSize(dimension)
        var held: [Buffer] = []
        var base = vectors
        if source != type {
            let converted = try allocate(UInt8.self, max(count, 1) * size, for: "\(count) converted rows")
            base = UnsafeRawPointer(converted.base)
            held.append(converted)
        }
        let rows = base
        let kernel = table.squaredNorms(type)
        let squares = try allocate(Float.self, kernel == nil ? 0 : count, for: "the norms of \(count) rows")
        held.append(squares)
        let out = squares.pointer(Float.self)
        let check = VectorCheck(metric: metric, noun: "vector")
        let errors = ErrorBox()
        ThreadPool.shared.run(tasks: (count + RowBatch.piece - 1) / RowBatch.piece, threads: threads) { task in
            let first = task * RowBatch.piece
            let n = min(RowBatch.piece, count - first)
            errors.run { () throws(VecStoreError) in
                if source != type {
                    try convertElements(
                        vectors + first * sourceSize, source, UnsafeMutableRawPointer(mutating: rows) + first * size, type,
                        n * dimension, table
                    ) { "element \($0 % dimension) of vector \(first + $0 / dimension)" }
                }
                guard let kernel else {
                    try check.check(
                        rows + first * size, type: type, count: n, dimension: dimension, table: table, firstNumber: first)
                    return
                }
                try check.check(
                    rows + first * size, type: type, count: n, dimension: dimension, kernel: kernel, table: table,
                    squares: out + first, firstNumber: first)
                if needsHalfRange { try RowBatch.checkHalfRange(rows + first * size, n, dimension, first, table) }
            }
        }
        try errors.rethrow()
        self.rows = rows
        squaredNorms = kernel == nil ? nil : UnsafePointer(out)
        memory = held
    }

    func row(_ i: Int) -> UnsafeRawPointer { rows + i * type.rowSize(dimension) }
    func squaredNorm(_ i: Int) -> Float { squaredNorms?[i] ?? 0 }

    /// Refuses float32 rows that do not fit float16.
    private static func checkHalfRange(
        _ rows: UnsafeRawPointer, _ count: Int, _ dimension: Int, _ first: Int, _ table: KernelTable
    ) throws(VecStoreError) {
        let row = try allocate(Float.self, dimension, for: "a row")
        for i in 0..<count {
            row.base.copyMemory(from: rows + 4 * i * dimension, byteCount: 4 * dimension)
            let largest = table.codes.largest(row.pointer(Float.self), dimension)
            // 65,520 and above round to infinity.
            guard largest < 65_520 else {
                throw VecStoreError(
                    .tooLarge, "vector \(first + i) has an element of size \(largest), beyond the range of float16")
            }
        }
    }
}

extension RowBatch {
    init(
        _ vectors: UnsafeRawPointer, _ source: ElementType, _ count: Int, _ options: HNSWOptions, _ table: KernelTable,
        threads: Int
    ) throws(VecStoreError) {
        try self.init(
            vectors, source, count, dimension: options.dimension, metric: options.metric, type: options.type,
            needsHalfRange: options.needsHalfRange, table, threads: threads)
    }

    init(
        _ vectors: UnsafeRawPointer, _ source: ElementType, _ count: Int, _ options: IVFOptions, _ table: KernelTable,
        threads: Int
    ) throws(VecStoreError) {
        try self.init(
            vectors, source, count, dimension: options.dimension, metric: options.metric, type: options.type,
            needsHalfRange: options.needsHalfRange, table, threads: threads)
    }
}

extension HNSWOptions {
    /// Whether float32 rows must fit float16.
    var needsHalfRange: Bool { type == .float32 && (storage == .float16 || rescore == .float16) }
}
