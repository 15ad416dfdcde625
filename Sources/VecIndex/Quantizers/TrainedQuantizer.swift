// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// A quantizer that has been trained. Immutable.
protocol TrainedQuantizer: Sendable {
    /// Codes of float32 vectors, one behind the other.
    func encode(
        _ vectors: UnsafePointer<Float>, _ count: Int, _ codes: UnsafeMutablePointer<UInt8>, threads: Int
    ) throws(VecStoreError)
    /// The vectors that codes stand for. Any bytes stand for some vector.
    func decode(
        _ codes: UnsafePointer<UInt8>, _ count: Int, _ vectors: UnsafeMutablePointer<Float>, threads: Int
    ) throws(VecStoreError)
    /// The distances of one query from the vectors that codes stand for, by `.l2Squared` or `.innerProduct`.
    func distances(
        _ query: UnsafePointer<Float>, metric: Metric, _ codes: UnsafePointer<UInt8>, _ count: Int,
        _ out: UnsafeMutablePointer<Float>
    ) throws(VecStoreError)
    /// Writes what belongs into a section of its file.
    func write(_ section: SectionKind, to writer: SectionWriter) throws(VecStoreError)
}

extension ProductQuantizer: TrainedQuantizer {
    package func distances(
        _ query: UnsafePointer<Float>, metric: Metric, _ codes: UnsafePointer<UInt8>, _ count: Int,
        _ out: UnsafeMutablePointer<Float>
    ) throws(VecStoreError) {
        let memory = try allocate(Float.self, tablesSize + dimension, for: "the tables of a query")
        let tables = memory.pointer(Float.self)
        let tableSize = part(0).tableSize
        var source = query
        if let rotation {
            let rotated = tables + tablesSize
            try rotation.apply(query, 1, rotated)
            source = UnsafePointer(rotated)
        }
        makeTables(source, metric: metric, tables)
        if bits == 8 {
            kernelTable.subspaces.sums(tables, tableSize, codes, codeSize, count, m, out)
            return
        }
        let room = try allocate(UInt16.self, m, for: "a code")
        let numbers = room.pointer(UInt16.self)
        for i in 0..<count {
            CodePacking.unpack(codes + i * codeSize, count: m, bits: bits, numbers)
            var sum: Float = 0
            for j in 0..<m { sum += tables[j * tableSize + Int(numbers[j])] }
            out[i] = sum
        }
    }
}

/// Numbers of 8 or 4 bits for each element.
final class ScalarCodec: TrainedQuantizer {
    let quantizer: ScalarQuantizer
    private let bits: Int
    private let table: KernelTable

    private static let piece = 256

    init(_ quantizer: ScalarQuantizer, bits: Int, table: KernelTable) {
        self.quantizer = quantizer
        self.bits = bits
        self.table = table
    }

    private var codeSize: Int { CodePacking.size(count: quantizer.dimension, bits: bits) }

    func encode(
        _ vectors: UnsafePointer<Float>, _ count: Int, _ codes: UnsafeMutablePointer<UInt8>, threads: Int
    ) throws(VecStoreError) {
        try ThreadPool.shared.runPieces(of: ScalarCodec.piece, count: count, threads: threads) { (from, n) throws(VecStoreError) in
            let dimension = quantizer.dimension
            let room = try allocate(UInt8.self, dimension, for: "a code")
            let wide = room.pointer(UInt8.self)
            for i in from..<(from + n) {
                quantizer.encode(vectors + i * dimension, wide, table)
                let code = codes + i * codeSize
                if bits == 8 {
                    code.update(from: wide, count: dimension)
                    continue
                }
                for b in 0..<codeSize {
                    let low = min(wide[2 * b], 15)
                    let high = 2 * b + 1 < dimension ? min(wide[2 * b + 1], 15) : 0
                    code[b] = low | high << 4
                }
            }
        }
    }

    func decode(
        _ codes: UnsafePointer<UInt8>, _ count: Int, _ vectors: UnsafeMutablePointer<Float>, threads: Int
    ) throws(VecStoreError) {
        try ThreadPool.shared.runPieces(of: ScalarCodec.piece, count: count, threads: threads) { (from, n) throws(VecStoreError) in
            try decode(codes + from * codeSize, n, vectors + from * quantizer.dimension)
        }
    }

    private func decode(
        _ codes: UnsafePointer<UInt8>, _ count: Int, _ vectors: UnsafeMutablePointer<Float>
    ) throws(VecStoreError) {
        let dimension = quantizer.dimension
        let room = try allocate(UInt8.self, dimension, for: "a code")
        let wide = room.pointer(UInt8.self)
        for i in 0..<count {
            let code = codes + i * codeSize
            if bits == 8 {
                quantizer.decode(code, vectors + i * dimension)
                continue
            }
            for d in 0..<dimension { wide[d] = d % 2 == 0 ? code[d / 2] & 15 : code[d / 2] >> 4 }
            quantizer.decode(wide, vectors + i * dimension)
        }
    }

    func distances(
        _ query: UnsafePointer<Float>, metric: Metric, _ codes: UnsafePointer<UInt8>, _ count: Int,
        _ out: UnsafeMutablePointer<Float>
    ) throws(VecStoreError) {
        guard let kernels = table.distance(metric, .float32) else {
            throw VecStoreError(.internalError, "no kernel for \(metric.name)")
        }
        let dimension = quantizer.dimension, piece = 64
        let room = try allocate(Float.self, piece * dimension, for: "decoded vectors")
        var from = 0
        while from < count {
            let n = min(piece, count - from)
            try decode(codes + from * codeSize, n, room.pointer(Float.self))
            kernels.rows(query, room.base, 4 * dimension, n, dimension, out + from)
            from += n
        }
    }
}
