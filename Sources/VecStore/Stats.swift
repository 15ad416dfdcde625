// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

extension Index {
    /// What an index costs, and what its parts are like.
    public struct Stats: Sendable, Hashable {
        /// Rows.
        public let count: Int
        /// Rows removed whose memory has not returned yet.
        public let removedCount: Int
        /// Memory that the index has asked for, in bytes; without the map of a file and what searches under way still hold.
        public let memoryBytes: Int
        /// Bytes of the file that are mapped.
        public let mappedBytes: Int
        /// The id that the next row without one will get; nil where there is none left.
        public let nextID: UInt64?
        /// Whether 8-bit copies of the rows are kept for exact search; for `.flat`.
        public let keepsExactCodes: Bool
        /// Whether it was made with `.auto`; all else says what it is now.
        public let isAutomatic: Bool
        /// What is peculiar to `.hnsw`; else nil.
        public let graph: Graph?
        /// What is peculiar to `.ivf`; else nil.
        public let lists: Lists?
    }

    /// What a graph is like.
    public struct Graph: Sendable, Hashable {
        /// Links that a new row gets.
        public let m: Int
        /// Rows kept in view while links are chosen.
        public let efConstruction: Int
        /// How rows are stored now. `.auto`: as they were added, and for floats under `.l2Squared`, `.innerProduct` and
        /// `.cosine` not decided yet.
        public let storage: Storage
        /// The type of the rows that results are ranked by; nil: there are codes alone.
        public let exactType: ElementType?
        /// The share of the 10 nearest rows that codes (`.int8`, or `.int4` where it is asked for) were measured to miss
        /// among 20; nil: not measured.
        public let codeLoss: Float?
        /// Whether walks read 4-bit copies of the rows first.
        public let isSketched: Bool
        /// Levels of the graph.
        public let levels: Int
        /// What the last `calibrate` found; nil: there was none.
        public let calibration: Calibration?
    }

    /// What an inverted file is like.
    public struct Lists: Sendable, Hashable {
        /// Lists; nil: not trained, and chosen by the rows trained on.
        public let nlist: Int?
        /// How lists hold rows.
        public let storage: Storage
        /// The type of the rows that results are ranked by; nil: there are codes alone.
        public let exactType: ElementType?
        /// Lists that each row is in.
        public let assignments: Int
        /// Vectors that it was trained on; 0: not trained. Fewer than 39 × `nlist` fit the sample, not what is added.
        public let trainedCount: Int
        /// Bytes that a row takes in lists: code, slot and what belongs to them; 0: not trained.
        public let bytesPerRow: Int
        /// Rows of the longest list.
        public let longestList: Int
        /// How many times the work of lists of one length a search has: `nlist` × Σ n² / (Σ n)².
        public let imbalance: Float
        /// Lists that a search reads where it does not say; nil: not trained, and chosen by the rows trained on.
        public let defaultProbes: Int?
        /// What the last `calibrate` found for these lists; nil: there was none.
        public let calibration: Calibration?
    }
}

/// The setting with which an index reached a recall on a sample of queries.
///
/// recall@k is the share of the k nearest rows that a search finds.
public struct Calibration: Sendable, Hashable {
    /// The number of results that the recall was measured for.
    public let k: Int
    /// The least `efSearch` that reached it, of `.hnsw`; else 0.
    public let efSearch: Int
    /// The least `nprobe` that reached it, of `.ivf`; else 0.
    public let nprobe: Int
    /// What was asked for.
    public let targetRecall: Float
    /// What was measured with this setting.
    public let recall: Float
    /// Whether rows of the index served as queries, which flatters it.
    public let usesOwnRows: Bool

    init(_ value: VecIndex.Calibration) {
        k = value.k
        efSearch = value.efSearch
        nprobe = value.nprobe
        targetRecall = value.targetRecall
        recall = value.recall
        usesOwnRows = value.usesOwnRows
    }
}

extension Index.Stats {
    init(_ value: IndexStats) {
        count = value.count
        removedCount = value.removedCount
        memoryBytes = value.memoryBytes
        mappedBytes = value.mappedBytes
        nextID = value.nextID == .max ? nil : value.nextID
        keepsExactCodes = value.keepsExactCodes
        isAutomatic = value.isAutomatic
        graph = value.graph.map(Index.Graph.init)
        lists = value.lists.map(Index.Lists.init)
    }
}

extension Index.Lists {
    init(_ value: ListStats) {
        nlist = value.nlist == 0 ? nil : value.nlist
        storage = Index.Storage(value.storage)
        exactType = value.exactType.map { ElementType($0) }
        assignments = value.assignments
        trainedCount = value.trainedCount
        bytesPerRow = value.bytesPerRow
        longestList = value.longestList
        imbalance = value.imbalance
        defaultProbes = value.nlist == 0 ? nil : IVFIndex.defaultProbes(value.nlist)
        calibration = value.calibration.map { Calibration($0) }
    }
}

extension Index.Graph {
    init(_ value: GraphStats) {
        m = value.m
        efConstruction = value.efConstruction
        storage = Index.Storage(value.storage)
        exactType = value.exactType.map { ElementType($0) }
        codeLoss = value.codeLoss
        isSketched = value.isSketched
        levels = value.levels
        calibration = value.calibration.map { Calibration($0) }
    }
}
