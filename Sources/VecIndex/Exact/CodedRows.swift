// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Norms and 8-bit codes of rows that lie in memory of somebody else. Places are filled in order by one writer; those that
/// readers know of do not change any more.
package final class CodedRows: @unchecked Sendable {
    // Safety: see above.

    package let capacity: Int
    private let columns: RowColumns
    private let context: ScanContext
    private let memory: Buffer

    package var bytes: Int { memory.size }

    /// Whether codes bound distances.
    static func isPossible(_ metric: Metric, _ type: ElementType) -> Bool {
        type.isFloat && (metric == .l2Squared || metric == .innerProduct || metric == .cosine)
    }

    /// Whether comparing rows by codes first is exact, and faster.
    package static func pays(_ metric: Metric, _ type: ElementType, dimension: Int) -> Bool {
        // Below some 32 elements a code is no smaller work than the row itself.
        isPossible(metric, type) && dimension >= 32
    }

    package init(_ context: ScanContext, capacity: Int) throws(VecStoreError) {
        guard let codeBytes = product(capacity, context.dimension) else {
            throw VecStoreError(.tooLarge, "codes of \(capacity) rows of dim \(context.dimension) overflow")
        }
        let isCosine = context.metric == .cosine
        var layout = Layout()
        let squaresAt = layout.add(Float.self, isCosine ? 0 : capacity)
        let inverseAt = layout.add(Double.self, isCosine ? capacity : 0)
        let codesAt = layout.add(UInt8.self, codeBytes)
        let scaleAt = layout.add(Float.self, capacity)
        let errorAt = layout.add(Float.self, capacity)
        memory = try allocate(UInt8.self, layout.size, for: "codes of \(capacity) rows")
        columns = RowColumns(
            squaredNorms: isCosine ? nil : memory.pointer(Float.self, at: squaresAt),
            inverseNorms: isCosine ? memory.pointer(Double.self, at: inverseAt) : nil,
            codes: memory.pointer(UInt8.self, at: codesAt), codeScale: memory.pointer(Float.self, at: scaleAt),
            codeError: memory.pointer(Float.self, at: errorAt))
        self.context = context
        self.capacity = capacity
    }

    /// Makes the codes of the rows at some places, of which the first lies at `rows`.
    package func encode(_ places: Range<Int>, _ rows: UnsafeRawPointer, stride: Int) throws(VecStoreError) {
        guard let kernel = context.table.squaredNorms(context.type) else {
            throw VecStoreError(.internalError, "no norms of \(context.type.name)")
        }
        let memory = try allocate(Float.self, places.count, for: "norms")
        let squares = memory.pointer(Float.self)
        kernel(rows, stride, places.count, context.dimension, squares)
        try columns.describe(places, rows, stride: stride, squares: squares, context)
    }

    /// The rows at some places.
    /// - Parameter rows: That of place 0.
    package func block(_ places: Range<Int>, _ rows: UnsafeRawPointer, stride: Int) -> RowBlock {
        let first = places.lowerBound
        var block = RowBlock(rows: rows + first * stride, stride: stride, count: places.count)
        if let squares = columns.squaredNorms { block.squaredNorms = UnsafePointer(squares + first) }
        if let inverse = columns.inverseNorms { block.inverseNorms = UnsafePointer(inverse + first) }
        if let codes = columns.codes, let scale = columns.codeScale, let error = columns.codeError {
            block.codes = RowCodes(
                codes: UnsafePointer(codes + first * context.dimension), scale: UnsafePointer(scale + first),
                error: UnsafePointer(error + first))
        }
        return block
    }
}
