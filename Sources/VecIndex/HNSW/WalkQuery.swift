// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// A query, or a row that takes its place, in the form that the rows of a walk are compared with.
struct WalkQuery {
    /// Elements or codes, in the memory of a scratch or of the row itself.
    var elements: UnsafeRawPointer
    var offset: Float = 0
    var weight: Float = 1
}

/// Compares queries with the rows of a walk: distances as near to those of the metric as the stored rows allow.
struct WalkMetric {
    let store: GraphStore
    let table: KernelTable
    let dimension: Int
    /// Nil where the rows are coded.
    private let kernels: DistanceKernels?
    private let isScaled: Bool
    private let factors: SegmentedColumn.View?

    init(_ store: GraphStore, _ table: KernelTable) throws(VecStoreError) {
        self.store = store
        self.table = table
        dimension = store.shape.dimension
        let shape = store.shape
        // The norms of rows are kept, so cosine needs their products alone.
        factors = store.factors?.view
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

    /// Bytes that a prepared query needs; twice as much for one made of floats.
    static func querySize(_ shape: GraphShape) -> Int {
        (max(4 * shape.dimension, shape.type.rowSize(shape.dimension)) + 63) / 64 * 64
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
        guard let quantizer = store.quantizer else {
            return WalkQuery(elements: query, offset: isScaled ? 1 : 0, weight: inverse)
        }
        for d in 0..<dimension { floats[d] = (query + 4 * d).loadUnaligned(as: Float.self) * inverse }
        let scale = quantizer.encodeQuery(floats, floats, room.assumingMemoryBound(to: Int8.self), table)
        return WalkQuery(elements: UnsafeRawPointer(room), offset: scale.offset, weight: scale.weight)
    }

    /// Prepares a row of the graph as a query.
    func prepare(row slot: UInt32, _ room: UnsafeMutableRawPointer) -> WalkQuery {
        let row = UnsafeRawPointer(store.walk.address(slot))
        guard let quantizer = store.quantizer else {
            let factor = isScaled ? store.factor(slot) : 1
            guard store.shape.walkType.isFloat && store.shape.walkType != .float32 else {
                return WalkQuery(elements: row, offset: isScaled ? 1 : 0, weight: factor)
            }
            convertToFloat32(row, store.shape.walkType, room, dimension, table)
            return WalkQuery(elements: UnsafeRawPointer(room), offset: isScaled ? 1 : 0, weight: factor)
        }
        let scale = quantizer.encodeQuery(
            fromRow: row.assumingMemoryBound(to: UInt8.self), factor: store.factor(slot),
            room.assumingMemoryBound(to: Int8.self), table)
        return WalkQuery(elements: UnsafeRawPointer(room), offset: scale.offset, weight: scale.weight)
    }

    /// The distances of a query to rows.
    /// - Parameters:
    ///   - slots: `count` rows.
    ///   - addresses: Where they lie.
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
        } else {
            table.scalarCodes.list(
                query.elements.assumingMemoryBound(to: Int8.self), addresses, count, dimension, query.offset,
                query.weight, out)
            if let factors {
                for j in 0..<count {
                    out[j] += factors.address(slots[j]).assumingMemoryBound(to: Float.self).pointee
                }
            }
        }
    }
}
