// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

extension Index {
    /// How an index finds its results.
    public enum Kind: Sendable, CaseIterable {
        /// Exact: compares the query with every row that the filter lets through.
        case flat
        /// Approximate: walks over a graph of near rows, for a small part of the work.
        case hnsw
        /// Approximate: reads the lists of rows whose centers are nearest to the query.
        case ivf
    }

    /// The kind of a new index, with what is peculiar to it.
    ///
    ///     try Index(.flat, dimension: 384, metric: .cosine)
    ///     try Index(.flat(exactCodes: false), dimension: 384, metric: .cosine)
    ///     try Index(.hnsw(), dimension: 384, metric: .cosine)
    ///     try Index(.hnsw(m: 32, storage: .float16, seed: 7), dimension: 384, metric: .cosine)
    ///     try Index(.ivf(nlist: 1024, storage: .pq, assignments: 2), dimension: 384, metric: .cosine)
    ///     try Index(.auto(memoryBudget: 1 << 30, targetRecall: 0.98), dimension: 384, metric: .cosine)
    public struct Design: Sendable, Hashable {
        enum Content: Hashable {
            case flat(exactCodes: Bool?)
            case hnsw(m: Int, efConstruction: Int, storage: Storage, rescore: Rescore, seed: UInt64)
            case ivf(Lists)
            case auto(memoryBudget: Int?, targetRecall: Float, seed: UInt64)
        }

        struct Lists: Hashable {
            var nlist: Int?
            var storage: Storage
            var rescore: Rescore
            var pqM: Int?
            var bits: Int?
            var rotation: Quantizer.Rotation?
            var assignments: Int
            var seed: UInt64
        }

        let content: Content

        /// nil: the index chooses it.
        public var kind: Kind? {
            switch content {
            case .flat: .flat
            case .hnsw: .hnsw
            case .ivf: .ivf
            case .auto: nil
            }
        }

        /// Exact search, with 8-bit copies of the rows where they help.
        public static let flat = Design(content: .flat(exactCodes: nil))

        /// Exact search.
        /// - Parameter exactCodes: Whether 8-bit copies of the rows make exact search faster, for one byte more an element;
        ///   nil: where they help (`.float32` of dimension 32 or more under `.l2Squared`, `.innerProduct` and `.cosine`).
        ///   They exist for floats under these metrics: else `true` is `.unsupported`.
        public static func flat(exactCodes: Bool?) -> Design { Design(content: .flat(exactCodes: exactCodes)) }

        /// Approximate search over a graph (Malkov & Yashunin 2018, arXiv 1603.09320). At most 2,147,483,646 rows.
        /// - Parameters:
        ///   - m: Links that a new row gets, 2 to 256; lists hold twice as many. More find more in data of many dimensions,
        ///     and take 8 bytes each a row.
        ///   - efConstruction: Rows kept in view while links are chosen, 1 to 1,048,576: more make a better graph and take
        ///     longer to add.
        ///   - storage: How rows are stored that searches compare.
        ///   - rescore: Finer rows beside coarser storage.
        ///   - seed: The same rows, options and seed, added on one thread, give the same file, byte for byte.
        ///
        /// Values out of range are refused by the initializer of `Index` with `.invalidArgument`, options that do not go
        /// together with `.unsupported`.
        public static func hnsw(
            m: Int = 16, efConstruction: Int = 200, storage: Storage = .auto, rescore: Rescore = .asAdded, seed: UInt64 = 0
        ) -> Design {
            Design(content: .hnsw(m: m, efConstruction: efConstruction, storage: storage, rescore: rescore, seed: seed))
        }

        /// Approximate search in an inverted file: rows lie in lists around centers, and a search reads the lists whose
        /// centers are nearest to its query (Jégou, Douze, Schmid 2011). Needs training: `train`, or the first rows that are
        /// added. For `.l2Squared`, `.innerProduct` and `.cosine`, not for `.bits`. At most 2,147,483,646 rows.
        /// - Parameters:
        ///   - nlist: Lists, 1 to 1,048,576; nil: by the rows trained on, a power of two, about 4·√rows.
        ///   - storage: How lists hold rows.
        ///   - rescore: The rows that results are ranked by, beside codes.
        ///   - pqM: For `.pq`: parts of a code, 1 to the dimension, with 4 bits at most 16,384; nil: half the dimension, or with more than
        ///     4 bits a quarter.
        ///   - bits: Bits of each number of a code; nil: 4 for `.pq`, which has 4 to 8, and 1 for `.binary`, which has 1 to 6,
        ///     and 8.
        ///   - rotation: For `.pq`: `.opq` makes codes of rotated vectors, which lose less where parts are few.
        ///   - assignments: Lists that each row is in: 1, or 2, the second one chosen to help where the first misleads (SOAR,
        ///     arXiv 2404.00774): more memory, fewer lists to read.
        ///   - seed: The same rows, options and seed, added on one thread, give the same file, byte for byte.
        ///
        /// Values out of range are refused by the initializer of `Index` with `.invalidArgument`, options that do not go
        /// together with `.unsupported`.
        public static func ivf(
            nlist: Int? = nil, storage: Storage = .auto, rescore: Rescore = .asAdded, pqM: Int? = nil, bits: Int? = nil,
            rotation: Quantizer.Rotation? = nil, assignments: Int = 1, seed: UInt64 = 0
        ) -> Design {
            Design(
                content: .ivf(
                    Lists(
                        nlist: nlist, storage: storage, rescore: rescore, pqM: pqM, bits: bits, rotation: rotation,
                        assignments: assignments, seed: seed)))
        }

        /// Chooses one of the kinds, and how it stores rows, from the rows that there are, the budget and the recall, and
        /// measures how it has to search. Begins as `.flat`; the `add` that makes the rows too many for that (8,192) or for
        /// the budget builds another index with them. `optimize` chooses again. `kind` and `stats` say what it is now,
        /// `explain()` says why.
        /// - Parameters:
        ///   - memoryBudget: Bytes that it may take, as `memoryBytes` counts them; nil: any number.
        ///   - targetRecall: The share of the 10 nearest rows that searches are to find: above 0, up to 1 (exact search).
        ///   - seed: The same rows, options and seed, added on one thread, give the same file, byte for byte.
        ///
        /// `capacity` says how many rows are expected. A budget that nothing meets is refused with `.invalidArgument`, by
        /// `add` with `.tooLarge`.
        public static func auto(memoryBudget: Int? = nil, targetRecall: Float = 0.95, seed: UInt64 = 0) -> Design {
            Design(content: .auto(memoryBudget: memoryBudget, targetRecall: targetRecall, seed: seed))
        }
    }

    /// How a graph, or the lists of an inverted file, store the rows that searches compare.
    ///
    /// Rows of `.int8`, `.uint8` and `.bits` are stored as they are: `.auto`. Rows of `.float32` go with all, those of
    /// `.float16` and `.bfloat16` with themselves, `.auto` and codes.
    public enum Storage: Sendable, CaseIterable {
        /// `.hnsw`: `.int8` where a measurement on the rows says that it loses no neighbours, else `.float16` or `.float32`.
        /// Decided once there are 2,048 rows; until then rows are stored as they were added. `.ivf`: as they were added.
        case auto
        case float32
        case float16
        case bfloat16
        /// For `.hnsw`: 8-bit codes, trained on the first 2,048 rows or more. For `.l2Squared`, `.innerProduct` and `.cosine`.
        /// For `.ivf`: a byte for each element of what a row differs by from the center of its list.
        case int8
        /// For `.hnsw`: 4-bit codes, trained likewise: half the memory of `.int8`, and a little less recall where no finer rows
        /// rank the results. For `.ivf`: 4 bits for each element of the same.
        case int4
        /// For `.ivf`: product codes of the same, a number for each of `pqM` parts.
        case pq
        /// For `.ivf`: binary codes of the same, one or more bits for each element (RaBitQ, arXiv 2405.12497).
        case binary
    }

    /// The finer rows that an index keeps beside coarser storage (`.ivf`: beside codes), for ranking results and for
    /// `vector(_:)`.
    public enum Rescore: Sendable, CaseIterable {
        /// Rows as they were added.
        case asAdded
        /// No finer rows: distances and vectors that come out are approximate.
        case none
        /// For rows of `.float32`.
        case float32
        /// For rows of `.float32` and `.float16`, whose elements must be below 65,520.
        case float16
    }
}

extension Index.Storage {
    /// For `.hnsw`.
    func graphStorage() throws(CoreError) -> GraphStorage {
        switch self {
        case .auto: .auto
        case .float32: .float32
        case .float16: .float16
        case .bfloat16: .bfloat16
        case .int8: .int8
        case .int4: .int4
        case .pq, .binary: throw HNSWOptions.refusal(of: listStorage, as: "storage .\(self) is for .ivf")
        }
    }

    /// For `.ivf`.
    var listStorage: ListStorage {
        switch self {
        case .auto: .auto
        case .float32: .float32
        case .float16: .float16
        case .bfloat16: .bfloat16
        case .int8: .int8
        case .int4: .int4
        case .pq: .pq
        case .binary: .binary
        }
    }

    init(_ value: ListStorage) {
        switch value {
        case .auto: self = .auto
        case .float32: self = .float32
        case .float16: self = .float16
        case .bfloat16: self = .bfloat16
        case .int8: self = .int8
        case .int4: self = .int4
        case .pq: self = .pq
        case .binary: self = .binary
        }
    }

    init(_ value: GraphStorage) {
        switch value {
        case .auto: self = .auto
        case .float32: self = .float32
        case .float16: self = .float16
        case .bfloat16: self = .bfloat16
        case .int8: self = .int8
        case .int4: self = .int4
        }
    }
}

extension Index.Rescore {
    var internalValue: RescoreRows {
        switch self {
        case .asAdded: .asAdded
        case .none: .none
        case .float32: .float32
        case .float16: .float16
        }
    }
}

/// An empty index as its design says.
func makeIndex(
    _ design: Index.Design, dimension: Int, metric: Metric, elementType: ElementType, exactCodes: Bool?, capacity: Int
) throws(CoreError) -> any VectorIndex {
    guard capacity >= 0 else {
        throw CoreError(.invalidArgument, "capacity is \(capacity): allowed is 0 and more")
    }
    let metric = metric.internalValue, type = elementType.internalValue
    switch design.content {
    case .flat(let codes):
        guard exactCodes == nil || codes == nil || exactCodes == codes else {
            throw CoreError(.invalidArgument, "exactCodes is given twice, and not the same: give it once")
        }
        return try FlatIndex(
            IndexOptions(
                dimension: dimension, metric: metric, type: type, exactCodes: codes ?? exactCodes, capacity: capacity))
    case .hnsw(let m, let efConstruction, let storage, let rescore, let seed):
        guard exactCodes == nil else {
            throw CoreError(.invalidArgument, "exactCodes is for .flat, not for .hnsw")
        }
        return try HNSWIndex(
            HNSWOptions(
                dimension: dimension, metric: metric, type: type, storage: storage.graphStorage(),
                rescore: rescore.internalValue, m: m, efConstruction: efConstruction, seed: seed, capacity: capacity))
    case .ivf(let lists):
        guard exactCodes == nil else {
            throw CoreError(.invalidArgument, "exactCodes is for .flat, not for .ivf")
        }
        return try IVFIndex(
            IVFOptions(
                dimension: dimension, metric: metric, type: type, nlist: lists.nlist, storage: lists.storage.listStorage,
                rescore: lists.rescore.internalValue, pqM: lists.pqM, bits: lists.bits,
                isRotated: lists.rotation == .opq, assignments: lists.assignments,
                seed: lists.seed, capacity: capacity))
    case .auto(let budget, let recall, let seed):
        guard exactCodes == nil else {
            throw CoreError(.invalidArgument, "exactCodes is for .flat, not for .auto")
        }
        if let budget, budget < 1 {
            throw CoreError(.invalidArgument, "memoryBudget is \(budget): allowed is 1 and more, or nil for none")
        }
        return try AutoIndex(
            AutoOptions(
                dimension: dimension, metric: metric, type: type, capacity: capacity, memoryBudget: budget ?? 0,
                targetRecall: recall, seed: seed))
    }
}
