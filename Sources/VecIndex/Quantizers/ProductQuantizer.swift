// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes
import VecKernels

/// Product quantization (Jégou, Douze, Schmid: Product quantization for nearest neighbor search, 2011): a vector is cut into
/// `m` parts, and of each part the number of the nearest of 2^bits centroids is kept.
///
/// Where m does not divide the dimension, parts differ by one element. With a rotation (Ge et al., Optimized product
/// quantization, 2013) vectors are rotated first.
package final class ProductQuantizer: @unchecked Sendable {
    // Safety: written while it is trained, by its maker; immutable after that.

    package let dimension: Int
    package let m: Int
    package let bits: Int
    let kernelTable: KernelTable
    /// Where part j begins; m + 1 of them.
    private let starts: [Int]
    private let parts: [SubspaceTable]
    private let panels: [UnsafePointer<Float>]
    private let memory: Buffer
    /// Rotates vectors before they are cut; nil: as they are.
    package internal(set) var rotation: Rotation?

    package static let allowedBits = [4, 5, 6, 7, 8, 10, 12]
    /// Rows taken at a time: their codes, before packing, and their parts stay in the cache.
    private static let pieceRows = 256

    package var k: Int { 1 << bits }
    package var codeSize: Int { CodePacking.size(count: m, bits: bits) }

    package init(dimension: Int, m: Int, bits: Int, table: KernelTable = .current) throws(VecStoreError) {
        guard m >= 1 && m <= dimension else {
            throw VecStoreError(.invalidArgument, "pq_m is \(m): allowed is 1 to the dimension, \(dimension)")
        }
        guard ProductQuantizer.allowedBits.contains(bits) else {
            let allowed = ProductQuantizer.allowedBits.map { "\($0)" }.joined(separator: ", ")
            throw VecStoreError(.invalidArgument, "nbits is \(bits): allowed are \(allowed)")
        }
        self.dimension = dimension
        self.m = m
        self.bits = bits
        kernelTable = table
        let starts = (0...m).map { $0 * dimension / m }
        self.starts = starts
        let k = 1 << bits
        let sizes = (0..<m).map { j in
            SubspaceTable.size(dimension: starts[j + 1] - starts[j], k: k, table.subspaces)
        }
        memory = try allocate(Float.self, sizes.reduce(0, +), for: "the centroids of a product quantizer")
        var at = memory.pointer(Float.self)
        var parts: [SubspaceTable] = []
        for j in 0..<m {
            parts.append(SubspaceTable(at, dimension: starts[j + 1] - starts[j], k: k, table.subspaces))
            at += sizes[j]
        }
        self.parts = parts
        panels = parts.map { UnsafePointer($0.panel) }
    }

    /// The part of a vector that centroids of part j stand for.
    func range(_ j: Int) -> Range<Int> { starts[j]..<starts[j + 1] }
    func part(_ j: Int) -> SubspaceTable { parts[j] }

    /// Takes the centroids of a quantizer of the same shape.
    func takeParts(of other: ProductQuantizer) { memory.base.copyMemory(from: other.memory.base, byteCount: memory.size) }

    // MARK: - Training

    /// How parts are trained.
    struct Training {
        var passes = 25
        var seed: UInt64 = 0
        /// Whether centroids go on from where they are.
        var isWarm = false
    }

    /// Finds centroids for each part of some vectors, which are rotated already.
    /// - Returns: The sum of the squared errors before the last passes.
    @discardableResult
    func trainParts(
        _ vectors: UnsafePointer<Float>, _ count: Int, _ training: Training, threads: Int, _ tell: Teller? = nil
    ) throws(VecStoreError) -> Double {
        let errors = ErrorBox()
        let objectives = try allocate(Double.self, m, for: "training a product quantizer")
        let objective = objectives.pointer(Double.self)
        ThreadPool.shared.run(tasks: m, threads: threads) { j in
            errors.run { () throws(VecStoreError) in
                if errors.isSet { return }
                let range = self.range(j)
                let copy = try allocate(Float.self, count * range.count, for: "training a product quantizer")
                let part = copy.pointer(Float.self)
                for i in 0..<count {
                    (part + i * range.count).update(
                        from: vectors + (i * self.dimension + range.lowerBound), count: range.count)
                }
                let trainer = try SubspaceTrainer(part, count, self.parts[j], self.kernelTable)
                var random = SplitMix64(seed: SplitMix64.number(UInt64(j), seed: training.seed))
                if !training.isWarm { try trainer.start(&random) }
                objective[j] = try trainer.improve(passes: training.passes, &random)
                try tell?.count(1)
            }
        }
        try errors.rethrow()
        var sum: Double = 0
        for j in 0..<m { sum += objective[j] }
        return sum
    }

    // MARK: - Encoding

    /// Codes of vectors, `codeSize` bytes each.
    package func encode(
        _ vectors: UnsafePointer<Float>, _ count: Int, _ codes: UnsafeMutablePointer<UInt8>, threads: Int
    ) throws(VecStoreError) {
        try ThreadPool.shared.runPieces(
            of: ProductQuantizer.pieceRows, count: count, threads: threads
        ) { (first, n) throws(VecStoreError) in
            let room = try allocate(UInt16.self, n * self.m, for: "the codes of \(n) vectors")
            let numbers = room.pointer(UInt16.self)
            let rotated = try self.rotated(vectors + first * self.dimension, n)
            try self.number(rotated.vectors, n, numbers)
            for i in 0..<n {
                CodePacking.pack(
                    numbers + i, stride: n, count: self.m, bits: self.bits, codes + (first + i) * self.codeSize)
            }
        }
    }

    /// The vectors as parts are cut from them.
    private func rotated(
        _ vectors: UnsafePointer<Float>, _ count: Int
    ) throws(VecStoreError) -> (vectors: UnsafePointer<Float>, memory: Buffer?) {
        guard let rotation else { return (vectors, nil) }
        let memory = try allocate(Float.self, count * dimension, for: "\(count) rotated vectors")
        try rotation.apply(vectors, count, memory.pointer(Float.self))
        return (UnsafePointer(memory.pointer(Float.self)), memory)
    }

    /// Numbers of the nearest centroids of rotated vectors: numbers[j · count + i] of part j of vector i.
    func number(
        _ vectors: UnsafePointer<Float>, _ count: Int, _ numbers: UnsafeMutablePointer<UInt16>
    ) throws(VecStoreError) {
        let room = try allocate(Float.self, count, for: "the codes of \(count) vectors")
        for j in 0..<m {
            parts[j].nearest(
                vectors + starts[j], stride: dimension, count: count, numbers + j * count, room.pointer(Float.self))
        }
    }

    // MARK: - Decoding

    /// Vectors that codes stand for. Any bytes stand for some vector.
    package func decode(
        _ codes: UnsafePointer<UInt8>, _ count: Int, _ vectors: UnsafeMutablePointer<Float>, threads: Int
    ) throws(VecStoreError) {
        try ThreadPool.shared.runPieces(
            of: ProductQuantizer.pieceRows, count: count, threads: threads
        ) { (first, n) throws(VecStoreError) in
            let room = try allocate(UInt16.self, self.m, for: "a code")
            let numbers = room.pointer(UInt16.self)
            let out = vectors + first * self.dimension
            let straight = try allocate(
                Float.self, self.rotation == nil ? 0 : n * self.dimension, for: "\(n) decoded vectors")
            let target = self.rotation == nil ? out : straight.pointer(Float.self)
            for i in 0..<n {
                CodePacking.unpack(codes + (first + i) * self.codeSize, count: self.m, bits: self.bits, numbers)
                for j in 0..<self.m {
                    let range = self.range(j)
                    (target + (i * self.dimension + range.lowerBound)).update(
                        from: self.parts[j].centroids + Int(numbers[j]) * range.count, count: range.count)
                }
            }
            try self.rotation?.applyInverse(target, n, out)
        }
    }

    // MARK: - Distances

    /// Floats of one query's tables.
    package var tablesSize: Int { m * parts[0].tableSize }

    /// Tables of what a query says to each centroid of each part (asymmetric distances): part j's begin at j · tableSize.
    /// - Parameters:
    ///   - query: Rotated already.
    ///   - metric: `.l2Squared` or `.innerProduct`.
    func makeTables(_ query: UnsafePointer<Float>, metric: Metric, _ tables: UnsafeMutablePointer<Float>) {
        for j in 0..<m {
            let out = tables + j * parts[j].tableSize
            if metric == .l2Squared {
                parts[j].squaredDistances(query + starts[j], out)
            } else {
                parts[j].negatedProducts(query + starts[j], out)
            }
        }
    }

    /// The products of a vector's parts with the first 16 centroids of each: all of them where numbers have 4 bits.
    func makeTablesOf16(_ vector: UnsafePointer<Float>, _ tables: UnsafeMutablePointer<Float>) {
        starts.withUnsafeBufferPointer { starts in
            panels.withUnsafeBufferPointer { panels in
                guard let from = starts.baseAddress, let panel = panels.baseAddress else { return }
                kernelTable.listTables.products(vector, from, panel, m, tables)
            }
        }
    }
}
