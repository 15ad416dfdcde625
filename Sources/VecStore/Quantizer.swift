// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

/// Turns vectors into codes of a few bytes and back; a file keeps what training has found. Any method may be called from any
/// thread; training puts new ranges or centroids in the place of the old at its end, and calls that run go on with the old.
public final class Quantizer: Sendable {
    /// What codes are made of.
    public enum Design: Sendable, Equatable {
        /// A number of 8 or 4 bits for each element, between the ends of a range: one for all elements where `isUniform`, else
        /// each has its own. `quantile` is the share of values that may lie beyond each end, below 0.5.
        case scalar(bits: Int = 8, isUniform: Bool = false, quantile: Float = 0)
        /// For each of `m` parts of a vector the number of the nearest of 2^bits centroids (Jégou, Douze & Schmid 2011); bits
        /// are 4 to 8, 10 or 12. With `.opq` vectors are rotated first, so that codes lose least (Ge, He, Ke & Sun 2013).
        case product(m: Int, bits: Int = 8, rotation: Rotation? = nil, seed: UInt64 = 0)
        /// For each element of the vector, less the mean and rotated at random, a number of 1 to 8 bits, and two factors from
        /// which products are estimated, right on average (RaBitQ: Gao & Long, arXiv 2405.12497, and arXiv 2409.09913).
        case binary(bits: Int = 1, seed: UInt64 = 0)
    }

    public enum Rotation: Sendable {
        case opq
    }

    /// What codes lose of some vectors.
    public struct Loss: Sendable {
        /// The mean of ‖x − y‖² over the vectors x, where y is decoded from the code of x.
        public let meanSquaredError: Double
        /// Σ ‖x − y‖² / Σ ‖x‖²
        public let relativeError: Double
    }

    public let design: Design
    public let dimension: Int
    private let core: VectorQuantizer

    /// - Throws: `.invalidArgument`, `.unsupported` (a rotation of more than 4096 elements), `.outOfMemory`.
    public init(_ design: Design, dimension: Int) throws(VecStoreError) {
        self.design = design
        self.dimension = dimension
        core = try rethrow { () throws(CoreError) in
            try VectorQuantizer(dimension: dimension, design: design.internalValue)
        }
    }

    /// Opens the file of a quantizer, of any design. It makes the same codes, vectors and distances as the one that was saved,
    /// on machines with other instruction sets up to rounding, and can be trained anew.
    /// - Throws: `.invalidArgument` (for the file of an index, too), `.notFound`, `.io`, `.corrupt`, `.newerVersion`,
    ///   `.outOfMemory`.
    /// - Complexity: O(bytes): every byte is checked.
    public init(opening path: String) throws(VecStoreError) {
        core = try rethrow { () throws(CoreError) in try VectorQuantizer.open(checkedPath(path)) }
        design = Design(core.design)
        dimension = core.dimension
    }

    /// Writes what training has found to a file, whole or not at all.
    /// - Parameter sync: Whether to wait until the disk has it.
    /// - Throws: `.invalidArgument`, where it is not trained, too; `.notFound` (no such directory), `.io`, `.outOfMemory`.
    public func save(to path: String, sync: Bool = true) throws(VecStoreError) {
        try rethrow { () throws(CoreError) in try core.save(to: checkedPath(path), sync: sync) }
    }

    /// Bytes of one code.
    public var codeSize: Int { core.codeSize }
    public var isTrained: Bool { core.isTrained }

    /// Finds the ranges or centroids that fit some vectors, which lie one behind the other in one array.
    /// - Parameters:
    ///   - threads: 0 for the default number; at most 1024. The result is the same.
    ///   - progress: Is told now and then, on this thread, how far it has come, and once at the end; false cancels, and
    ///     leaves what was there.
    public func train<E: VectorElement>(
        flat elements: [E], threads: Int = 0, progress: ((_ done: Int, _ total: Int) -> Bool)? = nil
    ) throws(VecStoreError) {
        try withRows(elements) { (rows, type, count) throws(CoreError) in
            try self.core.train(rows, type: type, count: count, threads: ThreadPool.checkedThreads(threads), progress: progress)
        }
    }

    /// Codes of vectors, one behind the other.
    public func encode<E: VectorElement>(flat elements: [E], threads: Int = 0) throws(VecStoreError) -> [UInt8] {
        try withRows(elements) { (rows, type, count) throws(CoreError) in
            var codes = [UInt8](repeating: 0, count: count * self.core.codeSize)
            try self.core.encode(rows, type: type, count: count, &codes, threads: ThreadPool.checkedThreads(threads))
            return codes
        }
    }

    /// The vectors that codes stand for, one behind the other. Any bytes stand for some vector.
    public func decode(_ codes: [UInt8], threads: Int = 0) throws(VecStoreError) -> [Float] {
        try rethrow { () throws(CoreError) in
            let count = try self.count(codes)
            var vectors = [Float](repeating: 0, count: count * dimension)
            try core.decode(codes, count: count, &vectors, threads: ThreadPool.checkedThreads(threads))
            return vectors
        }
    }

    /// What codes lose of vectors.
    public func measure<E: VectorElement>(flat elements: [E], threads: Int = 0) throws(VecStoreError) -> Loss {
        try withRows(elements) { (rows, type, count) throws(CoreError) in
            let loss = try self.core.loss(rows, type: type, count: count, threads: ThreadPool.checkedThreads(threads))
            return Loss(meanSquaredError: loss.meanSquaredError, relativeError: loss.relativeError)
        }
    }

    /// The distances of queries from the vectors that codes stand for: an array for each query. Queries are not made into
    /// codes. `.binary` estimates the distances from the vectors that the codes were made of.
    /// - Parameter metric: `.l2Squared` or `.innerProduct`; for cosine scale vectors to norm 1 and take `.innerProduct`.
    public func distances<E: VectorElement>(
        flat queries: [E], to codes: [UInt8], metric: Metric = .l2Squared, threads: Int = 0
    ) throws(VecStoreError) -> [[Float]] {
        try withRows(queries) { (rows, type, queryCount) throws(CoreError) in
            let count = try self.count(codes)
            guard let cells = product(queryCount, count), cells < Int.max / 8 else {
                throw CoreError(.tooLarge, "\(queryCount) times \(count) distances are more than there is memory for")
            }
            var out = [Float](repeating: 0, count: cells)
            try self.core.distances(
                rows, type: type, queryCount, codes, count: count, metric: metric.internalValue, &out,
                threads: ThreadPool.checkedThreads(threads))
            return (0..<queryCount).map { Array(out[($0 * count)..<(($0 + 1) * count)]) }
        }
    }

    private func count(_ codes: [UInt8]) throws(CoreError) -> Int {
        guard codes.count % core.codeSize == 0 else {
            throw CoreError(.invalidArgument, "\(codes.count) bytes are no whole codes of \(core.codeSize)")
        }
        return codes.count / core.codeSize
    }

    private func withRows<E: VectorElement, R>(
        _ elements: [E], _ body: (UnsafeRawPointer, VecKernelTypes.ElementType, Int) throws(CoreError) -> R
    ) throws(VecStoreError) -> R {
        try rethrow { () throws(CoreError) in
            guard elements.count % dimension == 0 else {
                throw CoreError(.invalidArgument, "\(elements.count) elements are no whole vectors of \(dimension)")
            }
            let type = E.inputType(for: .float32).internalValue
            return try elements.withUnsafeBufferPointer { (buffer) throws(CoreError) in
                // An empty array may have no address; nothing is read then.
                guard let base = buffer.baseAddress else { return try body(emptyRow, type, 0) }
                return try body(UnsafeRawPointer(base), type, buffer.count / dimension)
            }
        }
    }
}

extension Quantizer.Design {
    fileprivate init(_ design: QuantizerDesign) {
        self =
            switch design {
            case .scalar(let design): .scalar(bits: design.bits, isUniform: design.isUniform, quantile: design.quantile)
            case .product(let design):
                .product(m: design.m, bits: design.bits, rotation: design.isRotated ? .opq : nil, seed: design.seed)
            case .binary(let design): .binary(bits: design.bits, seed: design.seed)
            }
    }

    fileprivate var internalValue: QuantizerDesign {
        switch self {
        case .scalar(let bits, let isUniform, let quantile):
            .scalar(QuantizerDesign.ScalarDesign(bits: bits, isUniform: isUniform, quantile: quantile))
        case .product(let m, let bits, let rotation, let seed):
            .product(QuantizerDesign.ProductDesign(m: m, bits: bits, isRotated: rotation == .opq, seed: seed))
        case .binary(let bits, let seed):
            .binary(QuantizerDesign.BinaryDesign(bits: bits, seed: seed))
        }
    }
}
