// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

extension PointCollection {
    /// Vectors of one name: of the points of a batch, or queries. `Float` and `Float16` are taken.
    ///
    ///     try points.upsert(ids, ["title": .init(titles), "body": .init(flat: bodies)])
    public struct Vectors: Sendable {
        private let source: any RowSource

        /// A vector each. They are copied into one block of memory by the call that takes them.
        public init<E: VectorElement>(_ vectors: [[E]]) { source = ListedRows(rows: vectors) }

        /// A vector each; nil for a point that has none of this name.
        public init<E: VectorElement>(_ vectors: [[E]?]) { source = ListedRows(rows: vectors) }

        /// One behind the other in one array, which is not copied.
        public init<E: VectorElement>(flat elements: [E]) { source = FlatRows(elements: elements) }

        /// One behind the other in memory of the caller's, which is not copied.
        /// - Parameter elements: Must stay as it is until the call that takes this has returned.
        public init<E: VectorElement>(flat elements: UnsafeBufferPointer<E>) { source = BorrowedRows(elements: elements) }

        /// Calls `body` with the rows, of which none is longer or shorter than `dimension`.
        /// - Parameter noun: How errors name one of them.
        func withRows<R>(
            dimension: Int, noun: String, _ body: (VectorRows) throws(CoreError) -> R
        ) throws(CoreError) -> R {
            try source.withRows(dimension: dimension, noun: noun, body)
        }
    }
}

/// Vectors one behind the other, as the core takes them.
struct VectorRows {
    var pointer: UnsafeRawPointer
    var type: VecKernelTypes.ElementType
    var count: Int
    /// A byte for each: 0 says that there is none in its place; nil: all are there.
    var present: UnsafePointer<UInt8>?
}

/// Where vectors come from.
private protocol RowSource: Sendable {
    func withRows<R>(
        dimension: Int, noun: String, _ body: (VectorRows) throws(CoreError) -> R
    ) throws(CoreError) -> R
}

private struct ListedRows<Row: OptionalRow>: RowSource {
    let rows: [Row]

    func withRows<R>(
        dimension: Int, noun: String, _ body: (VectorRows) throws(CoreError) -> R
    ) throws(CoreError) -> R {
        var isComplete = true
        for (i, row) in rows.enumerated() {
            guard let row = row.elements else {
                isComplete = false
                continue
            }
            guard row.count == dimension else {
                throw CoreError(.invalidArgument, "\(noun) \(i) has \(row.count) elements: it must have \(dimension)")
            }
        }
        guard let size = product(rows.count, dimension) else {
            throw CoreError(.tooLarge, "\(rows.count) vectors of \(dimension) elements are more than there is memory for")
        }
        let memory = try allocate(Row.Element.self, size, for: "\(rows.count) vectors")
        let marks = try isComplete ? nil : allocate(UInt8.self, rows.count, for: "\(rows.count) vectors")
        for (i, row) in rows.enumerated() {
            guard let row = row.elements else { continue }
            marks?.pointer(UInt8.self)[i] = 1
            let target = memory.pointer(Row.Element.self) + i * dimension
            row.withUnsafeBufferPointer { if let base = $0.baseAddress { target.update(from: base, count: dimension) } }
        }
        defer { withExtendedLifetime((memory, marks)) {} }
        return try body(
            VectorRows(
                pointer: UnsafeRawPointer(memory.base), type: Row.Element.inputType(for: .float32).internalValue,
                count: rows.count, present: marks.map { UnsafePointer($0.pointer(UInt8.self)) }))
    }
}

/// A vector, or a vector that may be missing.
private protocol OptionalRow: Sendable {
    associatedtype Element: VectorElement
    var elements: [Element]? { get }
}

extension Array: OptionalRow where Element: VectorElement {
    fileprivate var elements: [Element]? { self }
}

extension Optional: OptionalRow where Wrapped: OptionalRow {
    fileprivate typealias Element = Wrapped.Element
    fileprivate var elements: [Wrapped.Element]? { self?.elements }
}

private struct FlatRows<E: VectorElement>: RowSource {
    let elements: [E]

    func withRows<R>(
        dimension: Int, noun: String, _ body: (VectorRows) throws(CoreError) -> R
    ) throws(CoreError) -> R {
        try elements.withUnsafeBufferPointer { (buffer) throws(CoreError) in
            try BorrowedRows(elements: buffer).withRows(dimension: dimension, noun: noun, body)
        }
    }
}

private struct BorrowedRows<E: VectorElement>: RowSource, @unchecked Sendable {
    // Safety: the memory is read alone, and whoever gave it keeps it as it is.
    let elements: UnsafeBufferPointer<E>

    func withRows<R>(
        dimension: Int, noun: String, _ body: (VectorRows) throws(CoreError) -> R
    ) throws(CoreError) -> R {
        guard elements.count % dimension == 0 else {
            throw CoreError(
                .invalidArgument, "\(elements.count) elements are no whole vectors: each \(noun) must have \(dimension)")
        }
        // An empty array may have no address; nothing is read then.
        let pointer = elements.baseAddress.map { UnsafeRawPointer($0) } ?? emptyRow
        return try body(
            VectorRows(
                pointer: pointer, type: E.inputType(for: .float32).internalValue, count: elements.count / dimension))
    }
}
