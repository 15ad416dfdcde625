// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecKernelTypes

extension PointCollection {
    /// One of the vectors that points have. All of it is stored with the collection.
    public struct VectorOptions: Sendable, Hashable {
        /// How the nearest vectors are found.
        public enum Kind: Sendable, CaseIterable {
            /// By comparing all while there are fewer than 10,000, after that by a graph.
            case auto
            /// By comparing all: exactly.
            case flat
            /// By a graph, from 2,000 on.
            case hnsw
        }

        /// Up to 255 bytes; "" is that of the only vector of a collection.
        public var name: String
        /// Elements: 1 to 65,536.
        public var dimension: Int
        /// `.l2Squared`, `.innerProduct` or `.cosine`.
        public var metric: Metric
        /// How rows are stored: `.float32`, or `.float16`, which takes half the disk.
        public var elementType: ElementType
        public var kind: Kind
        /// How the graph stores the rows that it walks over; hits are ranked by the rows of the collection in any case. Not
        /// `.pq` or `.binary`.
        public var storage: Index.Storage
        /// Of the graph: links that a point gets, 2 to 256.
        public var m: Int
        /// Of the graph: points kept in view while links are chosen, 1 to 1,048,576.
        public var efConstruction: Int
        /// The model that makes the vectors, and its version, for those who read it.
        public var model: String
        public var modelVersion: String

        /// Values out of range are refused where a collection is made of them.
        public init(
            name: String = "", dimension: Int, metric: Metric = .cosine, elementType: ElementType = .float32,
            kind: Kind = .auto, storage: Index.Storage = .auto, m: Int = 16, efConstruction: Int = 200, model: String = "",
            modelVersion: String = ""
        ) {
            self.name = name
            self.dimension = dimension
            self.metric = metric
            self.elementType = elementType
            self.kind = kind
            self.storage = storage
            self.m = m
            self.efConstruction = efConstruction
            self.model = model
            self.modelVersion = modelVersion
        }
    }
}

extension PointCollection.VectorOptions {
    func settings() throws(CoreError) -> VectorSettings {
        VectorSettings(
            name: name, dimension: dimension, metric: metric.internalValue, type: elementType.internalValue,
            kind: kind.internalValue, m: m, efConstruction: efConstruction, storage: try storage.graphStorage(), model: model,
            modelVersion: modelVersion)
    }

    init(_ settings: VectorSettings) {
        self.init(
            name: settings.name, dimension: settings.dimension, metric: Metric(settings.metric),
            elementType: ElementType(settings.type), kind: Kind(settings.kind), storage: Index.Storage(settings.storage),
            m: settings.m, efConstruction: settings.efConstruction, model: settings.model,
            modelVersion: settings.modelVersion)
    }
}

extension PointCollection.VectorOptions.Kind {
    fileprivate var internalValue: VectorIndexKind {
        switch self {
        case .auto: .auto
        case .flat: .flat
        case .hnsw: .hnsw
        }
    }

    fileprivate init(_ kind: VectorIndexKind) {
        switch kind {
        case .auto: self = .auto
        case .flat: self = .flat
        case .hnsw: self = .hnsw
        }
    }
}
