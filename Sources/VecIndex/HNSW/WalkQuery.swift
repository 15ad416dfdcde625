// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// A query, or a row that takes its place, in the form that the rows of a walk are compared with.
struct WalkQuery {
    /// Elements or codes, in the memory of a scratch or of the row itself.
    var elements: UnsafeRawPointer
    /// What the query alone brings into a distance by 4-bit codes that have to do without finer ones.
    var base: Float = 0
    var offset: Float = 0
    var weight: Float = 1
}

/// Compares queries with rows, in one of the forms that a graph keeps them: distances as near to those of the metric as that
/// form allows.
struct WalkMetric {
    /// Which form of the rows.
    enum Form {
        /// As elements or codes.
        case row
        /// As 4-bit sketches.
        case sketch
    }

    let store: GraphStore
    let table: KernelTable
    let dimension: Int
    let form: Form
    /// Whether codes lie two to a byte.
    let isPacked: Bool
    /// Bytes of a row in this form.
    let rowSize: Int
    let rows: SegmentedColumn.View
    /// Nil where the rows are elements.
    private let quantizer: ScalarQuantizer?
    /// Nil where the rows are codes.
    private let kernels: DistanceKernels?
    private let isScaled: Bool
    private let factors: SegmentedColumn.View?

    init(_ store: GraphStore, _ table: KernelTable, _ form: Form) throws(VecStoreError) {
        self.store = store
        self.table = table
        self.form = form
        dimension = store.shape.dimension
        let shape = store.shape
        if form == .sketch {
            guard let sketches = store.sketches, let sketcher = store.sketcher else {
                throw VecStoreError(.internalError, "a graph without sketches")
            }
            rows = sketches.view
            rowSize = shape.sketchStride
            isPacked = true
            quantizer = sketcher
            factors = store.sketchFactors?.view
            isScaled = false
            kernels = nil
            return
        }
        rows = store.walk.view
        isPacked = shape.isPacked
        rowSize = isPacked ? shape.sketchStride : shape.isCoded ? dimension : shape.walkType.rowSize(dimension)
        factors = store.factors?.view
        quantizer = store.quantizer
        // The norms of rows are kept, so cosine needs their products alone.
        isScaled = !shape.isCoded && shape.metric == .cosine
        if shape.isCoded {
            kernels = nil
        } else {
            guard let found = table.distance(isScaled ? .innerProduct : shape.metric, shape.walkType) else {
                throw VecStoreError(.internalError, "no kernel for \(shape.metric.name) of \(shape.walkType.name)")
            }
            kernels = found
        }
    }

    /// Bytes that a prepared query needs, and what is made of it on the way.
    static func querySize(_ shape: GraphShape) -> Int {
        (max(4 * shape.dimension, shape.type.rowSize(shape.dimension), 2 * shape.sketchStride) + 63) / 64 * 64
    }

    /// Prepares a query of float32 elements, or of the type of the rows where they are not floats.
    /// - Parameters:
    ///   - squaredNorm: Σ q², where the metric needs it.
    ///   - room: `querySize` bytes, for the result.
    ///   - floats: As many, for work.
    func prepare(
        _ query: UnsafeRawPointer, squaredNorm: Float, _ room: UnsafeMutableRawPointer,
        _ floats: UnsafeMutablePointer<Float>
    ) -> WalkQuery {
        let inverse: Float = store.shape.metric == .cosine ? Float(1 / Double(squaredNorm).squareRoot()) : 1
        guard let quantizer else {
            return WalkQuery(elements: query, offset: isScaled ? 1 : 0, weight: inverse)
        }
        for d in 0..<dimension { floats[d] = (query + 4 * d).loadUnaligned(as: Float.self) * inverse }
        return encode(floats, quantizer, room)
    }

    private func encode(
        _ floats: UnsafeMutablePointer<Float>, _ quantizer: ScalarQuantizer, _ room: UnsafeMutableRawPointer
    ) -> WalkQuery {
        let codes = room.assumingMemoryBound(to: Int8.self)
        if isPacked { fillBlock(codes) }
        if form == .row && isPacked {
            return walkQuery(quantizer.encodePackedQuery(floats, codes, table), room)
        }
        let scale = quantizer.encodeQuery(floats, floats, codes, table)
        return WalkQuery(elements: UnsafeRawPointer(room), offset: scale.offset, weight: scale.weight)
    }

    private func walkQuery(_ scale: ScalarQuantizer.PackedScale, _ codes: UnsafeMutableRawPointer) -> WalkQuery {
        WalkQuery(elements: UnsafeRawPointer(codes), base: scale.base, offset: scale.offset, weight: scale.weight)
    }

    /// Elements that fill up the last block of packed codes count for nothing.
    private func fillBlock(_ codes: UnsafeMutablePointer<Int8>) {
        for d in dimension..<(2 * store.shape.sketchStride) { codes[d] = 0 }
    }

    /// Prepares a row of the graph as a query.
    /// - Parameter floats: As for a query; used for codes of 4 bits alone.
    func prepare(
        row slot: UInt32, _ room: UnsafeMutableRawPointer, _ floats: UnsafeMutablePointer<Float>
    ) -> WalkQuery {
        let row = UnsafeRawPointer(store.walk.address(slot))
        if form == .sketch {
            guard let codes = store.quantizer, let quantizer else { return WalkQuery(elements: row) }
            codes.decode(row.assumingMemoryBound(to: UInt8.self), floats)
            return encode(floats, quantizer, room)
        }
        guard let quantizer else {
            let factor = isScaled ? store.factor(slot) : 1
            guard store.shape.walkType.isFloat && store.shape.walkType != .float32 else {
                return WalkQuery(elements: row, offset: isScaled ? 1 : 0, weight: factor)
            }
            convertToFloat32(row, store.shape.walkType, room, dimension, table)
            return WalkQuery(elements: UnsafeRawPointer(room), offset: isScaled ? 1 : 0, weight: factor)
        }
        if isPacked {
            let codes = UnsafeMutableRawPointer(floats).assumingMemoryBound(to: UInt8.self)
            unpackNibbles(row.assumingMemoryBound(to: UInt8.self), bytes: rowSize, codes)
            let query = room.assumingMemoryBound(to: Int8.self)
            fillBlock(query)
            return walkQuery(quantizer.encodePackedQuery(fromRow: codes, store.packedFactors(slot), query, table), room)
        }
        let scale = quantizer.encodeQuery(
            fromRow: row.assumingMemoryBound(to: UInt8.self), factor: store.factor(slot),
            room.assumingMemoryBound(to: Int8.self), table)
        return WalkQuery(elements: UnsafeRawPointer(room), offset: scale.offset, weight: scale.weight)
    }

    @inline(__always)
    func address(_ slot: UInt32) -> UnsafeRawPointer { UnsafeRawPointer(rows.address(slot)) }

    /// The distances of a query to rows.
    /// - Parameters:
    ///   - slots: `count` rows.
    ///   - addresses: Where they lie in this form.
    @inline(__always)
    func measure(
        _ query: WalkQuery, _ slots: UnsafePointer<UInt32>, _ addresses: UnsafePointer<UnsafeRawPointer>, _ count: Int,
        _ out: UnsafeMutablePointer<Float>
    ) {
        if let kernels {
            kernels.list(query.elements, addresses, count, dimension, out)
            if isScaled, let factors {
                for j in 0..<count {
                    let factor = factors.address(slots[j]).assumingMemoryBound(to: Float.self).pointee
                    out[j] = query.offset + query.weight * factor * out[j]
                }
            }
            return
        }
        let codes = query.elements.assumingMemoryBound(to: Int8.self)
        if isPacked {
            table.scalarCodes.nibbleList(codes, addresses, count, dimension, query.offset, query.weight, out)
        } else {
            table.scalarCodes.list(codes, addresses, count, dimension, query.offset, query.weight, out)
        }
        guard let factors else { return }
        if isPacked && form == .row {
            for j in 0..<count {
                let factor = factors.address(slots[j]).assumingMemoryBound(to: PackedFactors.self).pointee
                out[j] = query.base + factor.sum + factor.scale * out[j]
            }
        } else {
            for j in 0..<count {
                out[j] += factors.address(slots[j]).assumingMemoryBound(to: Float.self).pointee
            }
        }
    }
}
