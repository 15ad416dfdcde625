// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Writes the columns of a row: as the walk compares it, as results are ranked with it, and what is known of it.
struct RowWriter {
    private let store: GraphStore
    private let table: KernelTable
    private let shape: GraphShape
    private let floats: UnsafeMutablePointer<Float>
    private let scratch: UnsafeMutablePointer<Float>
    private let codes: UnsafeMutablePointer<UInt8>
    private let memory: Buffer

    init(_ store: GraphStore, _ table: KernelTable) throws(VecStoreError) {
        self.store = store
        self.table = table
        shape = store.shape
        memory = try allocate(UInt8.self, 13 * shape.dimension, for: "a row")
        floats = memory.pointer(Float.self)
        scratch = floats + shape.dimension
        codes = memory.pointer(UInt8.self, at: 12 * shape.dimension)
    }

    /// - Parameters:
    ///   - row: Of the type that rows are added as.
    ///   - squaredNorm: Σ x², for float rows.
    func write(_ row: UnsafeRawPointer, squaredNorm: Float, to slot: UInt32) {
        let walk = store.walk.address(slot)
        if let full = store.full?.address(slot), let type = shape.fullType { convert(row, to: type, full) }
        var factor: Float = 0
        if let quantizer = store.quantizer {
            convertToFloat32(row, shape.type, floats, shape.dimension, table)
            if shape.metric == .cosine {
                let inverse = Float(1 / Double(squaredNorm).squareRoot())
                for d in 0..<shape.dimension { floats[d] *= inverse }
            }
            if shape.isPacked {
                pack(quantizer, walk, slot)
            } else {
                if let sketcher = store.sketcher { sketch(sketcher, slot) }
                factor = quantizer.encode(floats, walk.assumingMemoryBound(to: UInt8.self), table)
            }
        } else {
            convert(row, to: shape.walkType, walk)
            if shape.metric == .cosine { factor = Float(1 / Double(exactSquare(walk, shape.walkType)).squareRoot()) }
        }
        if !shape.isPacked, let factors = store.factors {
            factors.address(slot).assumingMemoryBound(to: Float.self).pointee = factor
        }
        if let norms = store.inverseNorms, let type = shape.exactType {
            norms.address(slot).assumingMemoryBound(to: Double.self).pointee =
                1 / Double(exactSquare(finest(row, slot, type), type)).squareRoot()
        }
    }

    /// What was written of a row for results to be ranked by; where such rows lie outside, and may be there under an id that the
    /// slot has not got yet, the same made of the row once more.
    private func finest(_ row: UnsafeRawPointer, _ slot: UInt32, _ type: ElementType) -> UnsafeRawPointer {
        if store.external == nil, let exact = store.exactRow(slot) { return exact }
        convert(row, to: type, scratch)
        return UnsafeRawPointer(scratch)
    }

    /// Writes the row in `floats` in 4-bit codes.
    private func pack(_ quantizer: ScalarQuantizer, _ walk: UnsafeMutableRawPointer, _ slot: UInt32) {
        let found = quantizer.encode(packed: floats, scratch, codes, table)
        table.scalarCodes.packNibbles(codes, shape.dimension, walk.assumingMemoryBound(to: UInt8.self))
        store.factors?.address(slot).assumingMemoryBound(to: PackedFactors.self).pointee = found
    }

    /// Writes the sketch of the row in `floats`.
    private func sketch(_ sketcher: ScalarQuantizer, _ slot: UInt32) {
        guard let sketches = store.sketches else { return }
        sketcher.encode(floats, codes, table)
        table.scalarCodes.packNibbles(codes, shape.dimension, sketches.address(slot).assumingMemoryBound(to: UInt8.self))
        if let factors = store.sketchFactors {
            factors.address(slot).assumingMemoryBound(to: Float.self).pointee = sketcher.squares(floats)
        }
    }

    private func convert(_ row: UnsafeRawPointer, to type: ElementType, _ target: UnsafeMutableRawPointer) {
        let dimension = shape.dimension
        if type == shape.type {
            target.copyMemory(from: row, byteCount: type.rowSize(dimension))
            return
        }
        convertToFloat32(row, shape.type, floats, dimension, table)
        switch type {
        case .float16:
            // What is out of range stays as large as it gets: exact rows rank the results.
            for d in 0..<dimension { floats[d] = min(max(floats[d], -65_504), 65_504) }
            table.narrowFloat16(floats, target, dimension)
        case .bfloat16: table.narrowBFloat16(floats, target, dimension)
        default: target.copyMemory(from: floats, byteCount: 4 * dimension)
        }
    }

    private func exactSquare(_ row: UnsafeRawPointer, _ type: ElementType) -> Float {
        guard let kernel = table.squaredNorms(type) else { return 1 }
        var square: Float = 1
        kernel(row, type.rowSize(shape.dimension), 1, shape.dimension, &square)
        return max(square, .leastNormalMagnitude)
    }
}
