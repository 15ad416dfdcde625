// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Memory for some rows and their columns. Places are filled in order; a place that a snapshot shows does not change any
/// more, so readers need no lock.
package final class RowSegment: @unchecked Sendable {
    // Safety: places below the published count are only read, those above belong to the one writer.

    package let capacity: Int
    let rows: UnsafeMutableRawPointer
    let ids: UnsafeMutablePointer<UInt64>
    let squaredNorms: UnsafeMutablePointer<Float>?
    let inverseNorms: UnsafeMutablePointer<Double>?
    let codes: UnsafeMutablePointer<UInt8>?
    let codeScale: UnsafeMutablePointer<Float>?
    let codeError: UnsafeMutablePointer<Float>?
    /// Bytes of memory held: 0 for a map.
    package let bytes: Int
    /// Keeps the memory alive.
    private let owner: AnyObject

    /// Memory for `capacity` rows.
    init(_ shape: RowShape, capacity: Int) throws(VecStoreError) {
        guard product(capacity, shape.bytesPerRow + 64) != nil else {
            throw VecStoreError(.tooLarge, "\(capacity) rows of dim \(shape.dimension) overflow")
        }
        var layout = Layout()
        let rowsAt = layout.add(UInt8.self, capacity * shape.rowSize)
        let idsAt = layout.add(UInt64.self, capacity)
        let squaresAt = layout.add(Float.self, shape.keepsSquaredNorms ? capacity : 0)
        let inverseAt = layout.add(Double.self, shape.keepsInverseNorms ? capacity : 0)
        let codesAt = layout.add(UInt8.self, shape.keepsCodes ? capacity * shape.dimension : 0)
        let scaleAt = layout.add(Float.self, shape.keepsCodes ? capacity : 0)
        let errorAt = layout.add(Float.self, shape.keepsCodes ? capacity : 0)
        let memory = try allocate(UInt8.self, layout.size, for: "\(capacity) rows")
        self.capacity = capacity
        rows = memory.base + rowsAt
        ids = memory.pointer(UInt64.self, at: idsAt)
        squaredNorms = shape.keepsSquaredNorms ? memory.pointer(Float.self, at: squaresAt) : nil
        inverseNorms = shape.keepsInverseNorms ? memory.pointer(Double.self, at: inverseAt) : nil
        codes = shape.keepsCodes ? memory.pointer(UInt8.self, at: codesAt) : nil
        codeScale = shape.keepsCodes ? memory.pointer(Float.self, at: scaleAt) : nil
        codeError = shape.keepsCodes ? memory.pointer(Float.self, at: errorAt) : nil
        bytes = memory.size
        owner = memory
    }

    /// Rows of a mapped file, never written to.
    init(_ map: MappedFile, _ places: FilePlaces, count: Int) {
        func at<T>(_ offset: Int, _: T.Type) -> UnsafeMutablePointer<T> {
            UnsafeMutableRawPointer(mutating: map.base + offset).assumingMemoryBound(to: T.self)
        }
        capacity = count
        rows = UnsafeMutableRawPointer(mutating: map.base + places.rows)
        ids = at(places.ids, UInt64.self)
        squaredNorms = places.squaredNorms.map { at($0, Float.self) }
        inverseNorms = places.inverseNorms.map { at($0, Double.self) }
        codes = places.codes.map { at($0, UInt8.self) }
        codeScale = places.codeScale.map { at($0, Float.self) }
        codeError = places.codeError.map { at($0, Float.self) }
        bytes = 0
        owner = map
    }

    /// Writes the columns that belong to rows already in place.
    func describe(
        _ range: Range<Int>, _ shape: RowShape, squares: UnsafePointer<Float>, _ context: ScanContext
    ) throws(VecStoreError) {
        let columns = RowColumns(
            squaredNorms: squaredNorms, inverseNorms: inverseNorms, codes: codes, codeScale: codeScale, codeError: codeError)
        try columns.describe(
            range, rows + range.lowerBound * shape.rowSize, stride: shape.rowSize, squares: squares, context)
    }

    /// Copies a row with all its columns from another segment.
    func copy(_ place: Int, from other: RowSegment, _ source: Int, _ shape: RowShape) {
        (rows + place * shape.rowSize).copyMemory(from: other.rows + source * shape.rowSize, byteCount: shape.rowSize)
        ids[place] = other.ids[source]
        if let squaredNorms, let column = other.squaredNorms { squaredNorms[place] = column[source] }
        if let inverseNorms, let column = other.inverseNorms { inverseNorms[place] = column[source] }
        if let codes, let column = other.codes {
            (codes + place * shape.dimension).update(from: column + source * shape.dimension, count: shape.dimension)
        }
        if let codeScale, let column = other.codeScale { codeScale[place] = column[source] }
        if let codeError, let column = other.codeError { codeError[place] = column[source] }
    }
}

/// What a row of an index is made of.
package struct RowShape: Sendable {
    package let dimension: Int
    package let metric: Metric
    package let type: ElementType
    package let keepsCodes: Bool

    package var rowSize: Int { type.rowSize(dimension) }
    /// Matrix products and codes need ‖x‖² where distances are made of products.
    package var keepsSquaredNorms: Bool { type.isFloat && (metric == .l2Squared || metric == .innerProduct) }
    package var keepsInverseNorms: Bool { metric == .cosine }

    package var bytesPerRow: Int {
        rowSize + 8 + (keepsSquaredNorms ? 4 : 0) + (keepsInverseNorms ? 8 : 0) + (keepsCodes ? dimension + 8 : 0)
    }
}
