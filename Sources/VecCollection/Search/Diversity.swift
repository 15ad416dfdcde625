// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

/// Maximal marginal relevance (Carbonell & Goldstein 1998): of some candidates takes one after the other, each time the one with
/// the largest (1 − diversity) · score − diversity · (likeness to the nearest one taken).
struct Diversity {
    private let collection: PointCollection
    private let store: RowStore
    private let place: Int
    private let diversity: Float

    init(_ collection: PointCollection, _ store: RowStore, _ place: Int, _ diversity: Float) {
        self.collection = collection
        self.store = store
        self.place = place
        self.diversity = diversity
    }

    /// - Parameter hits: Candidates, best first.
    func choose(_ hits: [Hit], k: Int) throws(VecStoreError) -> [Hit] {
        let settings = collection.settings[place]
        guard let kernels = collection.table.distance(settings.metric, settings.type) else {
            throw VecStoreError(.internalError, "no kernel for \(settings.metric.name) of \(settings.type.name)")
        }
        let file = store.files[place]
        var vectors: [[Float]] = []
        for hit in hits { vectors.append(try collection.storedVector(hit.row, place, store)) }
        // How like each candidate is to the nearest one taken.
        var likeness = [Float](repeating: -.infinity, count: hits.count)
        var isTaken = [Bool](repeating: false, count: hits.count)
        var chosen: [Hit] = []
        while chosen.count < min(k, hits.count) {
            var best: (place: Int, value: Float)?
            for i in hits.indices where !isTaken[i] {
                let value = (1 - diversity) * hits[i].score - (chosen.isEmpty ? 0 : diversity * likeness[i])
                if best.map({ value > $0.value }) ?? true { best = (i, value) }
            }
            guard let next = best?.place else { break }
            isTaken[next] = true
            chosen.append(hits[next])
            for i in hits.indices where !isTaken[i] {
                let distance = vectors[next].withUnsafeBytes { query in
                    query.baseAddress.map { kernels.pair($0, file.row(Int(hits[i].row)), settings.dimension) } ?? 0
                }
                likeness[i] = max(likeness[i], collection.score(distance, settings.metric))
            }
        }
        return chosen
    }
}
