// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Whether vectors of one type may be compared with rows of another: the same type, or both of floats.
package func checkType(_ type: ElementType, for rowType: ElementType) throws(VecStoreError) {
    guard type == rowType || (type.isFloat && rowType.isFloat) else {
        let allowed = rowType.isFloat ? "float32, float16 or bfloat16" : rowType.name
        throw VecStoreError(
            .unsupported, "vectors of \(type.name) do not go with rows of \(rowType.name): allowed is \(allowed)")
    }
}

/// Refuses a metric that has no meaning for a type.
package func checkMetric(_ metric: Metric, _ type: ElementType) throws(VecStoreError) {
    guard metric.supports(type) else {
        let allowed = Metric.allCases.filter { $0.supports(type) }.map(\.name).joined(separator: ", ")
        throw VecStoreError(
            .unsupported, "the metric \(metric.name) does not exist for \(type.name): allowed are \(allowed)")
    }
}

/// Refuses vectors that no distance is defined for: see `Limits`.
package struct VectorCheck {
    package let metric: Metric
    /// What a message calls a vector: "query", "vector", "base vector".
    package let noun: String

    package init(metric: Metric, noun: String) {
        self.metric = metric
        self.noun = noun
    }

    /// - Returns: Σ x² of each vector, where the metric has a use for it.
    @discardableResult
    package func check(
        _ vectors: UnsafeRawPointer, type: ElementType, count: Int, dimension: Int, table: KernelTable,
        firstNumber: Int = 0
    ) throws(VecStoreError) -> Buffer? {
        guard let kernel = table.squaredNorms(type) else {
            try checkUnusedBits(vectors, count: count, dimension: dimension, firstNumber: firstNumber)
            return nil
        }
        let squares = try allocate(Float.self, count, for: "the norms of \(count) vectors")
        try check(
            vectors, type: type, count: count, dimension: dimension, kernel: kernel, table: table,
            squares: squares.pointer(Float.self), firstNumber: firstNumber)
        return squares
    }

    /// The same into an array of the caller's; messages count from `firstNumber`.
    package func check(
        _ vectors: UnsafeRawPointer, type: ElementType, count: Int, dimension: Int, kernel: SquaredNormsKernel,
        table: KernelTable, squares: UnsafeMutablePointer<Float>, firstNumber: Int = 0
    ) throws(VecStoreError) {
        let size = type.rowSize(dimension)
        kernel(vectors, size, count, dimension, squares)
        let least: Float = metric == .cosine ? (type.isFloat ? Limits.cosineSquaredNorm : 1) : 0
        let most = type.isFloat ? Limits.squaredNorm : .infinity
        for i in 0..<count where !(squares[i] >= least && squares[i] <= most) {
            throw reason(vectors + i * size, type, dimension, firstNumber + i, squares[i], table)
        }
    }

    private func reason(
        _ vector: UnsafeRawPointer, _ type: ElementType, _ dimension: Int, _ i: Int, _ square: Float, _ table: KernelTable
    ) -> VecStoreError {
        if let finite = table.allFinite[Int(type.rawValue)], !finite(vector, dimension) {
            let size = type.rowSize(1)
            let element = (0..<dimension).first { !finite(vector + $0 * size, 1) } ?? 0
            return VecStoreError(
                .notFinite, "\(noun) \(i) has NaN or infinity at element \(element): elements must be finite")
        }
        if square < 1 {
            return VecStoreError(
                .zeroVector, "\(noun) \(i) is zero, or its norm is below 2^-50: it has no direction, and cosine no value")
        }
        return VecStoreError(
            .tooLarge, "\(noun) \(i) is too large: the sum of its squares must be at most 2^125 (a norm of 6.5e18)")
    }

    private func checkUnusedBits(
        _ vectors: UnsafeRawPointer, count: Int, dimension: Int, firstNumber: Int
    ) throws(VecStoreError) {
        let used = dimension % 8
        guard used != 0 else { return }
        let size = (dimension + 7) / 8
        let unused = ~UInt8((1 << used) - 1)
        for i in 0..<count where (vectors + (i + 1) * size - 1).load(as: UInt8.self) & unused != 0 {
            throw VecStoreError(
                .invalidArgument,
                "\(noun) \(firstNumber + i) has bits set beyond dim \(dimension): the \(8 - used) highest bits of its last byte must be 0")
        }
    }
}

/// Converts float elements of any width to float32.
package func convertToFloat32(
    _ source: UnsafeRawPointer, _ type: ElementType, _ target: UnsafeMutableRawPointer, _ count: Int,
    _ table: KernelTable
) {
    switch type {
    case .float16: table.widenFloat16(source, target, count)
    case .bfloat16: table.widenBFloat16(source, target, count)
    default: target.copyMemory(from: source, byteCount: 4 * count)
    }
}
