// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

extension PointCollection {
    /// How a query with a vector is done. Numbers out of range are refused by the call that takes them, with
    /// `.invalidArgument`.
    ///
    ///     try points.search(query, k: 10, options: .init(efSearch: 200, withVector: true))
    public struct QueryOptions: Sendable, Hashable {
        /// Which vector; nil: the only one.
        public var vectorName: String?
        /// Best hits that are left out, 0 to 1,048,576 together with k.
        public var offset: Int
        /// Hits that are farther are left out; nil: none.
        public var maxDistance: Float?
        /// Hits whose score is smaller are left out; nil: none.
        public var threshold: Float?
        /// Of a graph: points kept in view, 1 to 1,048,576: more find more and take longer. nil: 64, and k at least.
        public var efSearch: Int?
        /// In the place of `efSearch`: the share of the nearest points that is to be found, above 0, up to 1, which compares all.
        /// The least `efSearch` that reaches it for points of the graph is measured by the first search that asks, which takes as
        /// long as some hundred exact searches, and again when the graph has become a quarter larger or smaller.
        public var targetRecall: Float?
        /// Whether all points are compared, whatever that costs.
        public var exact: Bool
        /// 0: the nearest points. Up to 1: of the nearest `candidates` those that differ from each other, the more the larger
        /// it is (maximal marginal relevance, Carbonell & Goldstein 1998).
        public var diversity: Float
        /// The points that `diversity` chooses from, 1 to 1,048,576; k at least.
        public var candidates: Int
        /// Whether hits bring their payloads.
        public var withPayload: Bool
        /// Whether hits bring their vectors.
        public var withVector: Bool
        /// 0: as many as the process has processors; 1: the calling thread only; at most 1,024.
        public var threads: Int

        public init(
            vectorName: String? = nil, offset: Int = 0, maxDistance: Float? = nil, threshold: Float? = nil, efSearch: Int? = nil,
            targetRecall: Float? = nil, exact: Bool = false, diversity: Float = 0, candidates: Int = 100, withPayload: Bool = true,
            withVector: Bool = false, threads: Int = 0
        ) {
            self.vectorName = vectorName
            self.offset = offset
            self.maxDistance = maxDistance
            self.threshold = threshold
            self.efSearch = efSearch
            self.targetRecall = targetRecall
            self.exact = exact
            self.diversity = diversity
            self.candidates = candidates
            self.withPayload = withPayload
            self.withVector = withVector
            self.threads = threads
        }
    }

    /// How words are searched for.
    public struct TextOptions: Sendable, Hashable {
        /// Which texts match.
        public enum Mode: Sendable, CaseIterable {
            /// Those with one of the words or more.
            case any
            /// Those with all words.
            case all
            /// Those with the words one after the other.
            case phrase
            /// Those with all words, of which the last may be the beginning of one: while somebody types.
            case prefix
        }

        public var mode: Mode
        /// The fields that are searched, which have an index of type `.text`, and what the score of each is multiplied by; nil:
        /// all that have one, by 1.
        public var fields: [String: Float]?

        public init(mode: Mode = .any, fields: [String: Float]? = nil) {
            self.mode = mode
            self.fields = fields
        }
    }

    /// How the hits of a search by a vector and of one by words become one list.
    public struct HybridOptions: Sendable, Hashable {
        public enum Fusion: Sendable, CaseIterable {
            /// Reciprocal ranks: Σ weight / (60 + rank).
            case rrf
            /// Scores, those of each search scaled to 0 … 1 by its least and its largest.
            case weighted
            /// Scores, scaled by mean and standard deviation: 3 of these on each side.
            case dbsf
        }

        public var fusion: Fusion
        /// 0 or more.
        public var vectorWeight: Float
        /// 0 or more.
        public var textWeight: Float
        /// Hits of each search that are fused, 1 to 1,048,576; k at least.
        public var candidates: Int

        public init(fusion: Fusion = .rrf, vectorWeight: Float = 1, textWeight: Float = 1, candidates: Int = 100) {
            self.fusion = fusion
            self.vectorWeight = vectorWeight
            self.textWeight = textWeight
            self.candidates = candidates
        }
    }
}

extension PointCollection.QueryOptions {
    /// - Parameter trace: Is told what the search does; nil: nobody asks.
    func internalValue(_ filter: Condition?, _ trace: QueryTrace?) throws(CoreError) -> VectorSearchOptions {
        var options = VectorSearchOptions()
        options.trace = trace
        options.vectorName = vectorName == "" ? nil : vectorName
        options.filter = filter?.filterBytes
        options.offset = offset
        options.maxDistance = maxDistance
        options.threshold = threshold
        options.efSearch = efSearch
        options.targetRecall = targetRecall
        options.isExact = exact
        options.diversity = diversity
        options.candidates = candidates
        options.withPayload = withPayload
        options.withVector = withVector
        options.threads = try ThreadPool.checkedThreads(threads)
        return options
    }
}

extension PointCollection.TextOptions {
    func internalValue(_ query: VectorSearchOptions) -> TextSearchOptions {
        var options = TextSearchOptions(query)
        options.mode =
            switch mode {
            case .any: .any
            case .all: .all
            case .phrase: .phrase
            case .prefix: .prefix
            }
        // In an order of their own: the sum of the scores of several fields depends on it in the last bits.
        options.fields = fields?.sorted { $0.key < $1.key }.map { (path: $0.key, weight: $0.value) }
        return options
    }
}

extension PointCollection.HybridOptions {
    func internalValue(_ vector: VectorSearchOptions, _ text: TextSearchOptions) -> HybridSearchOptions {
        var options = HybridSearchOptions()
        options.vector = vector
        options.text = text
        options.fusion =
            switch fusion {
            case .rrf: .rrf
            case .weighted: .weighted
            case .dbsf: .dbsf
            }
        options.vectorWeight = vectorWeight
        options.textWeight = textWeight
        options.candidates = candidates
        return options
    }
}
