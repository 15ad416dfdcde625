// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// How the rows are kept that a walk over the graph compares with. The raw values are those of the C header.
package enum GraphStorage: UInt32, CaseIterable, Sendable {
    /// 8-bit codes where a measurement says that they hold, else float16, else the rows as they are.
    case auto = 0
    case float32 = 1
    case float16 = 2
    case bfloat16 = 3
    /// Trained 8-bit scalar quantization.
    case int8 = 4
    /// Trained 4-bit scalar quantization.
    case int4 = 5

    package var name: String {
        switch self {
        case .auto: "auto"
        case .float32: "float32"
        case .float16: "float16"
        case .bfloat16: "bfloat16"
        case .int8: "int8"
        case .int4: "int4"
        }
    }

    /// Bits of an element where rows are coded; else 0.
    var codeBits: Int {
        switch self {
        case .int8: 8
        case .int4: 4
        case .auto, .float32, .float16, .bfloat16: 0
        }
    }

    var elementType: ElementType? {
        switch self {
        case .float32: .float32
        case .float16: .float16
        case .bfloat16: .bfloat16
        case .auto, .int8, .int4: nil
        }
    }
}

/// What the rows are kept as that results are ranked with, where the graph's own rows are coarser than the rows added. The
/// raw values are those of the C header.
package enum RescoreRows: UInt32, CaseIterable, Sendable {
    /// As they were added.
    case asAdded = 0
    /// Not at all: distances are those of the graph's own rows.
    case none = 1
    case float32 = 2
    case float16 = 3

    package var name: String {
        switch self {
        case .asAdded: "as added"
        case .none: "none"
        case .float32: "float32"
        case .float16: "float16"
        }
    }
}

/// What a new graph index is made of.
package struct HNSWOptions: Sendable {
    package var dimension: Int
    package var metric: Metric
    package var type: ElementType
    package var storage: GraphStorage
    package var rescore: RescoreRows
    /// Links that a new row gets on each level; lists of level 0 hold twice as many.
    package var m: Int
    /// Rows kept in view while a new row looks for its neighbours.
    package var efConstruction: Int
    package var seed: UInt64
    package var capacity: Int
    /// Where the rows lie that results are ranked by; nil: the index keeps them.
    ///
    /// What the walk compares is in the index all the same: codes, and as long as there are too few rows to train these, or
    /// where `auto` finds that codes lose too much, elements. Elements of the type of the rows outside rank results too.
    package var externalRows: ExternalRows?

    package static let defaultM = 16
    package static let defaultEFConstruction = 200
    package static let mRange = 2...256
    package static let efRange = 1...Limits.k

    package init(
        dimension: Int, metric: Metric = .l2Squared, type: ElementType = .float32, storage: GraphStorage = .auto,
        rescore: RescoreRows = .asAdded, m: Int = defaultM, efConstruction: Int = defaultEFConstruction,
        seed: UInt64 = 0, capacity: Int = 0, externalRows: ExternalRows? = nil
    ) {
        self.dimension = dimension
        self.metric = metric
        self.type = type
        self.storage = storage
        self.rescore = rescore
        self.m = m
        self.efConstruction = efConstruction
        self.seed = seed
        self.capacity = capacity
        self.externalRows = externalRows
    }

    /// Refuses what does not go together.
    package func check() throws(VecStoreError) {
        guard dimension >= 1 && dimension <= Limits.dimension else {
            throw VecStoreError(.invalidArgument, "dim is \(dimension): allowed is 1 to \(Limits.dimension)")
        }
        try checkMetric(metric, type)
        guard HNSWOptions.mRange.contains(m) else {
            throw VecStoreError(
                .invalidArgument,
                "m is \(m): allowed is \(HNSWOptions.mRange.lowerBound) to \(HNSWOptions.mRange.upperBound)")
        }
        guard HNSWOptions.efRange.contains(efConstruction) else {
            throw VecStoreError(
                .invalidArgument,
                "ef_construction is \(efConstruction): allowed is 1 to \(HNSWOptions.efRange.upperBound)")
        }
        if let wanted = storage.elementType {
            guard type.isFloat, wanted == type || type == .float32 else {
                throw VecStoreError(
                    .unsupported, "rows of \(type.name) cannot be stored as \(wanted.name): allowed is auto\(finer)")
            }
        }
        if storage.codeBits > 0 && !isCodable {
            throw VecStoreError(
                .unsupported,
                "\(storage.name) storage exists for float types under l2sq, ip and cosine, not for \(type.name) under \(metric.name)")
        }
        if rescore == .float32 && type != .float32 || rescore == .float16 && !(type == .float32 || type == .float16) {
            throw VecStoreError(
                .unsupported, "rows of \(type.name) cannot be ranked by \(rescore.name) rows: allowed are as added, none")
        }
        if let externalRows { try check(externalRows) }
    }

    /// Refuses rows outside that do not go with the rest.
    func check(_ external: ExternalRows) throws(VecStoreError) {
        guard allowsExternalRows, let finerType else {
            throw VecStoreError(
                .unsupported,
                "rows of \(type.name) under \(metric.name), storage \(storage.name), rescore \(rescore.name) cannot lie outside: "
                    + "allowed are float types under l2sq, ip and cosine, storage auto, int8 or int4, and rescore but none"
            )
        }
        guard external.dimension == dimension, external.type == finerType else {
            throw VecStoreError(
                .invalidArgument,
                "the rows outside are \(external.type.name) of dim \(external.dimension): allowed is \(finerType.name) of dim \(dimension)"
            )
        }
    }

    /// Whether the rows that results are ranked by may lie outside: where others are there for the walk.
    var allowsExternalRows: Bool { isCodable && (storage == .auto || storage.codeBits > 0) && rescore != .none }

    /// The type of the rows that results are ranked by, where the walk's are coarser.
    var finerType: ElementType? {
        switch rescore {
        case .asAdded: type
        case .none: nil
        case .float32: .float32
        case .float16: .float16
        }
    }

    /// The error where rows are to be stored as only inverted files do.
    package static func refusal(of storage: ListStorage, as what: String) -> VecStoreError {
        let reason =
            switch storage {
            case .pq:
                "product codes are fast to compare with many rows side by side, and the rows of a walk lie apart"
            case .binary: "by codes of a bit an element a walk would have to rank several times as many rows"
            default: "a graph has no such rows"
            }
        return VecStoreError(.unsupported, "\(what): \(reason); the smallest codes of a graph are int4")
    }

    private var finer: String {
        guard type.isFloat else { return "" }
        return type == .float32 ? ", float32, float16, bfloat16, int8, int4" : ", \(type.name), int8, int4"
    }

    /// Whether trained codes exist for these rows.
    var isCodable: Bool {
        type.isFloat && (metric == .l2Squared || metric == .innerProduct || metric == .cosine)
    }
}
