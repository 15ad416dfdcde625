// SPDX-License-Identifier: Apache-2.0

import VecCollection

extension PointCollection {
    /// What a search did, and why. A part that there was not is nil. Of several queries the numbers are added up.
    public struct Explanation: Sendable, Hashable {
        /// Points that there were.
        public let points: Int
        public let hits: Int
        public let filter: Filter?
        public let targetRecall: TargetRecall?
        public let vector: Vector?
        public let text: Text?
        public let fusion: Fusion?
        public let diversity: Diversity?
        public let groups: Groups?
        /// "total", and of it "indexes" (read into memory), "calibration", "filter", "graph", "compare", "text", "fusion",
        /// "diversity", "payloads".
        public let milliseconds: [String: Double]
        /// All of it as JSON, with the keys that the C header lists.
        public let json: String

        /// How the points that match the filter were found.
        public struct Filter: Sendable, Hashable {
            /// Whether the same filter was answered before, and no point has changed since.
            public let cached: Bool
            /// Points that match.
            public let matching: Int
            public let payloadsRead: Int
            /// None, where it was cached.
            public let conditions: [Condition]
        }

        /// How one condition of a filter was answered.
        public struct Condition: Sendable, Hashable {
            public enum Answer: Sendable, Hashable {
                case index, fullText, ids, vectors, payloads
            }

            /// Its place in the filter, such as `must[0]`.
            public let at: String
            /// The path of the field; nil where it is about something else.
            public let key: String?
            public let answeredBy: Answer
            /// The kind of the index that answered.
            public let index: PayloadIndex.Kind?
            /// Points where it holds; nil where payloads were looked at.
            public let rows: Int?
            /// Of points with values that the index cannot hold.
            public let payloadsRead: Int
            /// Why it was not an index.
            public let reason: String?
        }

        /// What `targetRecall` came to.
        public struct TargetRecall: Sendable, Hashable {
            public let target: Float
            /// Hits for which it was measured.
            public let k: Int
            /// What reaches it; nil: all rows are compared.
            public let efSearch: Int?
            /// The recall.
            public let measured: Float
            /// Rows that the graph had then.
            public let rows: Int
            /// Whether it had been measured before.
            public let cached: Bool
        }

        /// How the nearest points were found.
        public struct Vector: Sendable, Hashable {
            public enum Way: Sendable, Hashable {
                case graph, compare, graphAndCompare
            }

            public let name: String
            /// Rows that have this vector.
            public let rows: Int
            public let queries: Int
            /// Rows that were to be found for each query.
            public let wanted: Int
            public let way: Way
            public let graph: Graph?
            public let compare: Compare?
        }

        /// A search of the graph.
        public struct Graph: Sendable, Hashable {
            public enum Way: Sendable, Hashable {
                case walk
                /// With a filter: a walk over all rows, with more of them in view.
                case wideWalk
                /// With a filter: a walk over the rows that match.
                case matchingWalk
                /// With a filter: the rows that match were compared.
                case scan
            }

            public let rows: Int
            public let efSearch: Int
            public let way: Way
            /// Why this way.
            public let reason: String
            /// Rows in view; 0 of `.scan`.
            public let width: Int
            /// Rows that match the filter, about; nil: there is none.
            public let matching: Int?
            /// Rows that walks met.
            public let visited: Int
            /// Rows that match, and were compared in the graph's own form.
            public let scanned: Int
            /// Rows that were compared in full.
            public let ranked: Int
            /// Queries whose walk found too few, and that compared all rows that match.
            public let fallbacks: Int
            /// Walks that were done again, because rows had been removed.
            public let widenings: Int
            /// Whether it was walked again without rows of writes that came later.
            public let repeated: Bool
        }

        /// Rows that were compared one by one.
        public struct Compare: Sendable, Hashable {
            public let rows: Int
            public let reason: String
        }

        /// How texts were found.
        public struct Text: Sendable, Hashable {
            /// Before the filter.
            public let matching: Int
            public let fields: [Field]

            public struct Field: Sendable, Hashable {
                public let path: String
                public let weight: Float
                /// Words of the query that are there.
                public let words: Int
            }
        }

        /// How two lists became one.
        public struct Fusion: Sendable, Hashable {
            public let kind: HybridOptions.Fusion
            public let vectorHits: Int
            public let textHits: Int
        }

        public struct Diversity: Sendable, Hashable {
            /// Hits that it chose from.
            public let candidates: Int
        }

        public struct Groups: Sendable, Hashable {
            /// How many of the nearest points were looked at, each time.
            public let lookedAt: [Int]
        }
    }
}

extension PointCollection.Explanation {
    init(_ trace: QueryTrace) {
        points = trace.pointCount
        hits = trace.hitCount
        filter = trace.filter.map { Filter($0) }
        targetRecall = trace.recall.map { TargetRecall($0) }
        vector = trace.vector.map { Vector($0) }
        text = trace.text.map { Text($0) }
        fusion = trace.fusion.map { Fusion($0) }
        diversity = trace.diversityCandidates.map { Diversity(candidates: $0) }
        groups = trace.groupRounds.isEmpty ? nil : Groups(lookedAt: trace.groupRounds)
        milliseconds = Dictionary(trace.milliseconds.map { ($0.part, $0.time) }, uniquingKeysWith: +)
        json = String(decoding: trace.json, as: UTF8.self)
    }
}

extension PointCollection.Explanation.Filter {
    fileprivate init(_ trace: FilterTrace) {
        cached = trace.isCached
        matching = trace.matching
        payloadsRead = trace.allPayloadsRead
        conditions = trace.steps.map { PointCollection.Explanation.Condition($0) }
    }
}

extension PointCollection.Explanation.Condition {
    fileprivate init(_ step: FilterTrace.Step) {
        at = step.place
        key = step.key
        answeredBy =
            switch step.answer {
            case .index: .index
            case .fullText: .fullText
            case .ids: .ids
            case .vectors: .vectors
            case .payloads: .payloads
            }
        index = step.index.map { PayloadIndex.Kind($0) }
        rows = step.rows
        payloadsRead = step.payloadsRead
        reason = step.reason
    }
}

extension PointCollection.Explanation.TargetRecall {
    fileprivate init(_ trace: RecallTrace) {
        target = trace.target
        k = trace.k
        efSearch = trace.entry.efSearch
        measured = trace.entry.recall
        rows = trace.entry.rows
        cached = trace.isCached
    }
}

extension PointCollection.Explanation.Vector {
    fileprivate init(_ trace: VectorTrace) {
        name = trace.name
        rows = trace.rows
        queries = trace.queries
        wanted = trace.wanted
        way =
            switch trace.way {
            case .graph: .graph
            case .compare: .compare
            case .graphAndCompare: .graphAndCompare
            }
        graph = trace.graph.map { PointCollection.Explanation.Graph($0) }
        compare = trace.compared.map { PointCollection.Explanation.Compare(rows: $0.rows, reason: $0.reason) }
    }
}

extension PointCollection.Explanation.Graph {
    fileprivate init(_ part: VectorTrace.GraphPart) {
        let report = part.report
        rows = part.rows
        efSearch = part.efSearch
        way =
            switch report.way {
            case .walk: .walk
            case .wideWalk: .wideWalk
            case .matchingWalk: .matchingWalk
            case .scan: .scan
            }
        reason = report.reason
        width = report.width
        matching = report.matching
        visited = report.visited
        scanned = report.scanned
        ranked = report.ranked
        fallbacks = report.fallbacks
        widenings = report.widenings
        repeated = part.isRepeated
    }
}

extension PointCollection.Explanation.Text {
    fileprivate init(_ trace: TextTrace) {
        matching = trace.matching
        fields = trace.fields.map { Field(path: $0.path, weight: $0.weight, words: $0.words) }
    }
}

extension PointCollection.Explanation.Fusion {
    fileprivate init(_ trace: FusionTrace) {
        kind =
            switch trace.fusion {
            case .rrf: .rrf
            case .weighted: .weighted
            case .dbsf: .dbsf
            }
        vectorHits = trace.vectorHits
        textHits = trace.textHits
    }
}
