// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

/// How the nearest of the vectors of one name are found.
package enum VectorIndexKind: String, CaseIterable, Sendable {
    /// By comparing all of them while they are few, by a graph after that.
    case auto
    /// By comparing all of them.
    case flat
    /// By a graph, from the first thousands on.
    case hnsw
}

/// One of the vectors that a point of a collection can have.
package struct VectorSettings: Sendable, Equatable {
    package var name: String
    package var dimension: Int
    package var metric: Metric
    /// How rows are stored: float32 or float16.
    package var type: ElementType
    package var kind: VectorIndexKind
    package var m: Int
    package var efConstruction: Int
    /// How the graph keeps the rows that it walks over.
    package var storage: GraphStorage
    /// The embedding model that makes the vectors, for whoever reads it: the library does not.
    package var model: String
    package var modelVersion: String

    package static let defaultM = 16
    package static let defaultEFConstruction = 200

    package init(
        name: String = "", dimension: Int, metric: Metric = .cosine, type: ElementType = .float32, kind: VectorIndexKind = .auto,
        m: Int = VectorSettings.defaultM, efConstruction: Int = VectorSettings.defaultEFConstruction,
        storage: GraphStorage = .auto, model: String = "", modelVersion: String = ""
    ) {
        self.name = name
        self.dimension = dimension
        self.metric = metric
        self.type = type
        self.kind = kind
        self.m = m
        self.efConstruction = efConstruction
        self.storage = storage
        self.model = model
        self.modelVersion = modelVersion
    }

    /// Bytes of a stored row.
    package var rowSize: Int { type.rowSize(dimension) }

    package func check() throws(VecStoreError) {
        let what = name.isEmpty ? "the vector" : "the vector '\(name)'"
        try checkName(name, what: "the name of a vector", mayBeEmpty: true)
        try checkName(model, what: "the model of \(what)", mayBeEmpty: true)
        try checkName(modelVersion, what: "the model version of \(what)", mayBeEmpty: true)
        guard dimension >= 1 && dimension <= Limits.dimension else {
            throw VecStoreError(.invalidArgument, "dim of \(what) is \(dimension): allowed is 1 to \(Limits.dimension)")
        }
        guard type == .float32 || type == .float16 else {
            throw VecStoreError(.unsupported, "rows of \(what) are \(type.name): collections store float32 and float16")
        }
        switch metric {
        case .l2Squared, .innerProduct, .cosine: break
        default:
            throw VecStoreError(.unsupported, "the metric of \(what) is \(metric.name): allowed are l2sq, ip, cosine")
        }
        try graphOptions(externalRows: nil).check()
    }

    /// Whether rows that wait for a graph are compared by codes.
    var hasWaitingCodes: Bool { kind != .flat && CodedRows.pays(metric, type, dimension: dimension) }

    /// A graph for these vectors.
    func graphOptions(externalRows: ExternalRows?) -> HNSWOptions {
        var options = HNSWOptions(
            dimension: dimension, metric: metric, type: type, storage: storage, m: m, efConstruction: efConstruction)
        options.externalRows = externalRows
        return options
    }
}

/// A name that people give: short, and one line of text.
func checkName(_ name: String, what: String, mayBeEmpty: Bool = false) throws(VecStoreError) {
    if name.isEmpty && mayBeEmpty { return }
    guard !name.isEmpty, name.utf8.count <= CollectionLimits.nameBytes else {
        throw VecStoreError(
            .invalidArgument, "\(what) has \(name.utf8.count) bytes: allowed is 1 to \(CollectionLimits.nameBytes)")
    }
    guard name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
        throw VecStoreError(.invalidArgument, "\(what) holds control characters")
    }
}
