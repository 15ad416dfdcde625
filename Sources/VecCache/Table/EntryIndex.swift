// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

/// The vectors of entries, by number: few and new ones are compared one by one, the rest lies in a graph.
///
/// New rows go into `young`. Once there are enough, the whole of it becomes one of `moving`, whose rows are brought into the
/// graph in the background, and which is dropped after that. No row is taken out of a layer: what a search found in the
/// layers that it took stays there. The numbers of rows that nobody wants any more are passed over by whoever searches.
final class EntryIndex: @unchecked Sendable {
    // Safety: `layers` is touched under `lock`. Layers themselves may be used by many threads.

    struct Layers: Sendable {
        var young: FlatIndex
        var moving: [FlatIndex] = []
        var graph: HNSWIndex?

        var waiting: Int { moving.reduce(young.count) { $0 + $1.count } }
        /// In the order in which they are searched: a row that moves is in one of two layers that come in this order.
        var all: [any VectorIndex] {
            var all: [any VectorIndex] = [young]
            all += moving as [any VectorIndex]
            if let graph { all.append(graph) }
            return all
        }
    }

    /// A row near a query.
    struct Candidate {
        var number: UInt32
        var similarity: Float
    }

    let dimension: Int
    private let type: ElementType
    private let lock = Lock()
    private var layers: Layers

    /// Rows from which on a graph is worth it.
    static let leastForGraph = 2048
    /// Rows that are worth a portion: comparing them takes about as long as a walk.
    static let portion = 1024
    /// Rows of a layer that moves: as they come into the graph one layer after the other, fewer and fewer are left to compare.
    private static let mostYoung = 4096
    /// Rows that a walk keeps in view. Entries that are near enough to be hits are found by a narrower walk than others.
    private static let efSearch = 48
    /// Dims from which on codes of 4 bits are good enough to walk by.
    private static let leastDimensionForInt4 = 128
    /// Dims from which on codes are worth it in layers that are compared row by row.
    private static let leastDimensionForCodes = 64

    init(dimension: Int, type: ElementType) throws(VecStoreError) {
        self.dimension = dimension
        self.type = type
        layers = Layers(young: try EntryIndex.flat(dimension, type))
    }

    private static func flat(_ dimension: Int, _ type: ElementType) throws(VecStoreError) -> FlatIndex {
        // Codes of 8 bits rule out most rows, of whatever type these are.
        try FlatIndex(
            IndexOptions(dimension: dimension, metric: .cosine, type: type, exactCodes: dimension >= leastDimensionForCodes ? true : nil))
    }

    func makeGraph() throws(VecStoreError) -> HNSWIndex {
        try HNSWIndex(
            HNSWOptions(
                dimension: dimension, metric: .cosine, type: type,
                storage: dimension >= EntryIndex.leastDimensionForInt4 ? .int4 : .auto))
    }

    var current: Layers {
        lock.lock()
        defer { lock.unlock() }
        return layers
    }

    /// Puts other layers in the place of those that there are.
    func publish(_ next: Layers) {
        let old = lock.withLock {
            let old = layers
            layers = next
            return old
        }
        // Released here, after the lock: freeing memory takes time.
        withExtendedLifetime(old) {}
    }

    func makeYoung() throws(VecStoreError) -> FlatIndex { try EntryIndex.flat(dimension, type) }

    /// Adds rows that lie one after the other. For the one writer.
    /// - Parameter seals: Whether a young layer with many rows moves from now on.
    func add(_ rows: [Float], _ numbers: [UInt64], seals: Bool) throws(VecStoreError) {
        var layers = current
        try add(rows, numbers, to: layers.young)
        // The rows are there: where there is no memory for a new layer this one grows on.
        guard seals, layers.young.count >= EntryIndex.mostYoung, let next = try? makeYoung() else { return }
        layers.moving.append(layers.young)
        layers.young = next
        publish(layers)
    }

    func add(_ rows: [Float], _ numbers: [UInt64], to layer: FlatIndex) throws(VecStoreError) {
        guard product(numbers.count, dimension) == rows.count else {
            throw VecStoreError(.internalError, "\(rows.count) elements do not make \(numbers.count) rows of dim \(dimension)")
        }
        try rows.withUnsafeBufferPointer { raw throws(VecStoreError) in
            guard let base = raw.baseAddress else { return }
            try layer.add(
                base, type: .float32, count: numbers.count, ids: numbers, outIDs: nil, threads: 1, progress: nil)
        }
    }

    /// Rows of one layer, widened.
    func rows(_ numbers: [UInt64], of layer: any VectorIndex) throws(VecStoreError) -> [Float] {
        guard let count = product(numbers.count, dimension) else { throw VecStoreError(.tooLarge, "too many rows") }
        var rows = [Float](repeating: 0, count: count)
        try rows.withUnsafeMutableBufferPointer { raw throws(VecStoreError) in
            guard let base = raw.baseAddress else { return }
            try layer.get(numbers, numbers.count, as: .float32, base)
        }
        return rows
    }

    /// The row of a number; nil where there is none.
    func row(_ number: UInt32) -> [Float]? {
        for layer in current.all {
            // It may leave the layer meanwhile; then the next one has it.
            if let row = try? rows([UInt64(number)], of: layer) { return row }
        }
        return nil
    }

    /// The nearest rows of some layers, nearest first; a row that moves may come twice.
    func search(_ query: [Float], width: Int, filter: RowFilter, in layers: Layers) throws(VecStoreError) -> [Candidate] {
        var found: [Candidate] = []
        var ids = [UInt64](repeating: noID, count: width)
        var distances = [Float](repeating: 0, count: width)
        try search(layers.young, query, filter, &ids, &distances, &found)
        for layer in layers.moving { try search(layer, query, filter, &ids, &distances, &found) }
        if let graph = layers.graph { try search(graph, query, filter, &ids, &distances, &found) }
        if layers.moving.isEmpty && (layers.graph == nil || layers.young.count == 0) { return found }
        found.sort { $0.similarity != $1.similarity ? $0.similarity > $1.similarity : $0.number < $1.number }
        if found.count > width { found.removeLast(found.count - width) }
        return found
    }

    private func search(
        _ layer: some VectorIndex, _ query: [Float], _ filter: RowFilter, _ ids: inout [UInt64], _ distances: inout [Float],
        _ found: inout [Candidate]
    ) throws(VecStoreError) {
        if layer.count == 0 { return }
        let width = ids.count
        try query.withUnsafeBufferPointer { query throws(VecStoreError) in
            guard let base = query.baseAddress else { return }
            try ids.withUnsafeMutableBufferPointer { ids throws(VecStoreError) in
                try distances.withUnsafeMutableBufferPointer { distances throws(VecStoreError) in
                    guard let id = ids.baseAddress, let distance = distances.baseAddress else { return }
                    try layer.search(
                        base, type: .float32, count: 1, k: width, options: SearchOptions(filter: filter, efSearch: EntryIndex.efSearch),
                        SearchOutput(ids: id, distances: distance, counts: nil))
                }
            }
        }
        for i in 0..<width {
            // Where there are no more it is `noID`.
            guard let number = UInt32(exactly: ids[i]) else { break }
            found.append(Candidate(number: number, similarity: UnitVector.similarity(distance: distances[i])))
        }
    }

    var memoryBytes: Int { current.all.reduce(0) { $0 &+ $1.stats().memoryBytes } }
}
