// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// What a new inverted file is made of.
package struct IVFOptions: Sendable, Equatable {
    package var dimension: Int
    package var metric: Metric
    package var type: ElementType
    /// Lists; nil: by the number of rows that it is trained on.
    package var nlist: Int?
    package var storage: ListStorage
    /// The rows that results are ranked by, beside codes.
    package var rescore: RescoreRows
    /// Parts of a product code; nil: half the dimension, as far as tables go, or a quarter where numbers have more than 4 bits.
    package var pqM: Int?
    /// Bits of a number of a code; nil: 4 for `pq`, 1 for `binary`.
    package var bits: Int?
    /// Whether product codes are of vectors that were rotated so that they lose least.
    package var isRotated: Bool
    /// Lists that each row is in.
    package var assignments: Int
    package var seed: UInt64
    package var capacity: Int
    /// Lists from which a graph finds the nearest ones. Tests set it.
    var leastGraphLists = CentroidGraph.leastLists

    package static let mostLists = 1 << 20
    package static let assignmentRange = 1...2

    package init(
        dimension: Int, metric: Metric = .l2Squared, type: ElementType = .float32, nlist: Int? = nil,
        storage: ListStorage = .auto, rescore: RescoreRows = .asAdded, pqM: Int? = nil, bits: Int? = nil,
        isRotated: Bool = false, assignments: Int = 1, seed: UInt64 = 0, capacity: Int = 0
    ) {
        self.dimension = dimension
        self.metric = metric
        self.type = type
        self.nlist = nlist
        self.storage = storage
        self.rescore = rescore
        self.pqM = pqM
        self.bits = bits
        self.isRotated = isRotated
        self.assignments = assignments
        self.seed = seed
        self.capacity = capacity
    }

    /// The lists for an index that is trained on `count` rows: about 4·√count, a power of two, with 39 rows for each or more
    /// where there are so many.
    func listCount(for count: Int) -> Int {
        if let nlist { return nlist }
        var lists = 1
        while lists * lists < 16 * count && lists * 2 * IVFOptions.leastRowsPerList <= count { lists *= 2 }
        return min(lists, 1 << 16)
    }

    /// Fewer rows for each list than this make lists that fit the sample rather than what is added later.
    package static let leastRowsPerList = 39

    /// Parts of a product code.
    var partCount: Int { pqM ?? (partBits > 4 ? max(1, dimension / 4) : min(max(1, dimension / 2), ListCodec.mostTables)) }

    /// Bits of a number of a product code.
    var partBits: Int { bits ?? 4 }

    private var mostParts: Int { partBits > 4 ? dimension : min(dimension, ListCodec.mostTables) }

    /// What the rows are kept as; nil where lists hold codes alone.
    var rowType: ElementType? {
        if !storage.isCoded { return storage.elementType ?? type }
        return switch rescore {
        case .asAdded: type
        case .none: nil
        case .float32: .float32
        case .float16: .float16
        }
    }

    /// Whether float32 rows must fit float16.
    var needsHalfRange: Bool { type == .float32 && rowType == .float16 }

    /// Refuses what does not go together.
    func check() throws(VecStoreError) {
        guard dimension >= 1 && dimension <= Limits.dimension else {
            throw VecStoreError(.invalidArgument, "dim is \(dimension): allowed is 1 to \(Limits.dimension)")
        }
        try checkMetric(metric, type)
        guard type != .bits, metric != .l1 else {
            throw VecStoreError(
                .unsupported,
                "an inverted file of \(type.name) under \(metric.name) is not offered: its lists lie around means, so allowed are l2sq, ip and cosine"
            )
        }
        if let nlist, nlist < 1 || nlist > IVFOptions.mostLists {
            throw VecStoreError(.invalidArgument, "nlist is \(nlist): allowed is 1 to \(IVFOptions.mostLists)")
        }
        guard IVFOptions.assignmentRange.contains(assignments) else {
            throw VecStoreError(
                .invalidArgument, "assignments is \(assignments): allowed are 1, and 2 (each row in a second list too)")
        }
        if assignments > 1, let nlist, nlist < assignments {
            throw VecStoreError(.invalidArgument, "assignments is \(assignments), but nlist is \(nlist): there is no other list")
        }
        try checkStorage()
        try checkCode()
        try checkTables()
    }

    private func checkStorage() throws(VecStoreError) {
        if let wanted = storage.elementType {
            guard type.isFloat, wanted == type || type == .float32 else {
                throw VecStoreError(
                    .unsupported, "rows of \(type.name) cannot be stored as \(wanted.name): allowed is auto\(finer)")
            }
        }
        guard !storage.isCoded || type.isFloat else {
            throw VecStoreError(
                .unsupported, "\(storage.name) storage exists for float types, not for \(type.name): allowed is auto")
        }
        guard storage.isCoded || rescore == .asAdded else {
            throw VecStoreError(
                .unsupported,
                "rescore \(rescore.name) goes with codes (\(ListStorage.codedNames)): \(storage.name) storage ranks by its own rows")
        }
        if rescore == .float32 && type != .float32 || rescore == .float16 && !(type == .float32 || type == .float16) {
            throw VecStoreError(
                .unsupported, "rows of \(type.name) cannot be ranked by \(rescore.name) rows: allowed are as added, none")
        }
    }

    private var finer: String {
        guard type.isFloat else { return "" }
        return (type == .float32 ? ", float32, float16, bfloat16, " : ", \(type.name), ") + ListStorage.codedNames
    }

    /// Sums of the entries of more tables could overflow.
    private func checkTables() throws(VecStoreError) {
        guard !codeShape.isWide, codeShape.numbers > ListCodec.mostTables else { return }
        throw VecStoreError(
            .unsupported,
            "\(storage.name) codes of dim \(dimension) have \(codeShape.numbers) numbers: a code has at most \(ListCodec.mostTables)")
    }

    private func checkCode() throws(VecStoreError) {
        if let pqM {
            guard storage == .pq else {
                throw VecStoreError(.invalidArgument, "pq_m is \(pqM): it is for storage pq, not for \(storage.name)")
            }
            guard pqM >= 1 && pqM <= mostParts else {
                throw VecStoreError(.invalidArgument, "pq_m is \(pqM): allowed is 1 to \(mostParts)")
            }
        }
        if isRotated {
            guard storage == .pq else {
                throw VecStoreError(.invalidArgument, "rotation opq is for storage pq, not for \(storage.name)")
            }
            guard dimension <= Rotation.mostDimensions else {
                throw VecStoreError(
                    .unsupported, "dim is \(dimension): with rotation opq allowed is 1 to \(Rotation.mostDimensions)")
            }
        }
        guard let bits else { return }
        switch storage {
        case .pq:
            guard bits >= 4 && bits <= 8 else {
                guard ProductQuantizer.allowedBits.contains(bits) else {
                    throw VecStoreError(.invalidArgument, "nbits is \(bits): allowed is 4 to 8")
                }
                throw VecStoreError(
                    .unsupported, "nbits is \(bits): lists hold numbers of a byte at most; allowed is 4 to 8, and a larger pq_m is finer")
            }
        case .binary:
            guard bits >= 1 && bits <= 8 else {
                throw VecStoreError(.invalidArgument, "bits is \(bits): allowed is 1 to 6, and 8")
            }
            guard bits != 7 else {
                throw VecStoreError(.unsupported, "bits is 7: 8 are read faster, a byte each; allowed is 1 to 6, and 8")
            }
        default:
            throw VecStoreError(.invalidArgument, "bits is \(bits): it is for storage pq and binary, not for \(storage.name)")
        }
    }
}
