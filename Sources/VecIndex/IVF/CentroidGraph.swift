// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// A graph over the centroids of an inverted file of many lists: it finds the nearest lists without a look at all of them. Its
/// ids are the numbers of lists. Never changes.
///
/// What it compares are 8-bit codes; who searches compares more lists than are wanted with the centroids themselves. Under l2sq
/// and cosine the nearest centroids are those nearest by l2sq, because those of directions have norm 1. Under ip, where a list
/// counts by reach · (q · c), the rows of the graph are centroids times their reach.
final class CentroidGraph: Sendable {
    private let index: HNSWIndex

    /// Lists from which there is a graph: comparing fewer takes no longer than a walk does.
    static let leastLists = 4_096
    /// The same where the processor multiplies bytes, and for finding the lists of new rows, of which there are many at a time.
    static let leastManyLists = 16_384
    /// Where more than one of so many lists are wanted, a walk takes longer than comparing all of them does.
    private static let listsPerWanted = 32
    /// Rows in view for each list that is wanted, and at least.
    private static let widthFactor = 2
    private static let leastWidth = 128

    private init(_ index: HNSWIndex) { self.index = index }

    // MARK: - Making it

    /// - Parameters:
    ///   - model: Whose centroids it is to find.
    ///   - goOn: Whether to: asked now and then.
    convenience init(_ model: IVFModel, _ table: KernelTable, goOn: @escaping () -> Bool) throws(VecStoreError) {
        let index = try HNSWIndex(
            HNSWOptions(
                dimension: model.dimension, metric: CentroidGraph.metric(model), storage: .int8, rescore: .none,
                capacity: model.nlist), table: table)
        let rows = try CentroidGraph.rows(Array(0..<model.nlist), model)
        // One thread: the same centroids make the same graph.
        do throws(VecStoreError) {
            try index.add(rows.base, type: .float32, count: model.nlist, ids: nil, outIDs: nil, threads: 1) { (_, _) in goOn() }
        } catch {
            throw error.code == .cancelled ? VecStoreError(.cancelled, "training was cancelled: there are no lists") : error
        }
        self.init(index)
    }

    /// This graph with other centroids for some lists.
    /// - Parameter model: That has them.
    func changing(_ lists: [Int], _ model: IVFModel) throws(VecStoreError) -> CentroidGraph {
        let copy = try index.copy()
        let rows = try CentroidGraph.rows(lists, model)
        for (i, list) in lists.enumerated() {
            var id = UInt64(list)
            try copy.update(&id, rows.base + 4 * model.dimension * i, type: .float32, count: 1)
        }
        return CentroidGraph(copy)
    }

    private static func metric(_ model: IVFModel) -> Metric { model.metric == .innerProduct ? .innerProduct : .l2Squared }

    private static func rows(_ lists: [Int], _ model: IVFModel) throws(VecStoreError) -> Buffer {
        let dimension = model.dimension
        let memory = try allocate(Float.self, lists.count * dimension, for: "the rows of \(lists.count) centroids")
        for (i, list) in lists.enumerated() {
            let row = memory.pointer(Float.self) + i * dimension, c = model.centroids.row(list)
            // 1 but under ip.
            let reach = model.reaches[list]
            for d in 0..<dimension { row[d] = reach * c[d] }
        }
        return memory
    }

    // MARK: - Files

    /// Opens the graph that is part of the file of an inverted file.
    /// - Parameter load: Whether it is to be in memory.
    convenience init(_ map: MappedFile, _ model: IVFModel, load: Bool, verifies: Bool, _ table: KernelTable) throws(VecStoreError) {
        func corrupt(_ what: String) -> VecStoreError { VecStoreError(.corrupt, "'\(map.path)' has a graph of lists \(what)") }
        let header: FileHeader
        do {
            header = try FileHeader(map)
        } catch {
            guard error.code == .corrupt || error.code == .newerVersion else { throw error }
            throw VecStoreError(error.code, "the graph of lists in \(error.message)")
        }
        guard header.kind == .hnsw, header.shape.dimension == model.dimension, header.shape.type == .float32,
            header.shape.metric == CentroidGraph.metric(model), header.count == model.nlist, !header.isExternal
        else { throw corrupt("that is not of its centroids") }
        self.init(try HNSWIndex.open(map, header, load: load, verifies: verifies, table))
    }

    /// The bytes of a file of the graph, and what holds them.
    func image() throws(VecStoreError) -> (base: UnsafeRawPointer, count: Int, owner: AnyObject) {
        if let map = index.map { return (map.base, map.size, map) }
        let image = try index.image()
        return (UnsafeRawPointer(image.base), image.size, image)
    }

    func verify() throws(VecStoreError) {
        try index.verify()
        let memory = try allocate(UInt64.self, index.count, for: "the lists of a graph")
        let ids = memory.pointer(UInt64.self)
        let count = index.ids(offset: 0, capacity: index.count, ids)
        guard (0..<count).allSatisfy({ ids[$0] < UInt64(index.count) }) else {
            throw VecStoreError(
                .corrupt, "the graph of lists\(index.map.map { " in '\($0.path)'" } ?? "") has a list that there is not")
        }
    }

    /// Bytes in memory.
    var bytes: Int { index.stats().memoryBytes }

    // MARK: - Searching

    /// Whether it finds so many lists faster than comparing all centroids does.
    /// - Parameter besideCodes: Whether those are compared by 8-bit codes.
    func pays(for count: Int, besideCodes: Bool) -> Bool {
        if besideCodes { return isLarge && count <= index.count / (2 * CentroidGraph.listsPerWanted) }
        return count <= index.count / CentroidGraph.listsPerWanted
    }

    /// Whether it finds the lists of new rows faster.
    var isLarge: Bool { index.count >= CentroidGraph.leastManyLists }

    /// Writes the `count` lists nearest to a query, or nearly, the nearest first.
    /// - Parameter distances: Room for as many.
    func nearest(
        _ query: UnsafePointer<Float>, _ count: Int, _ lists: UnsafeMutablePointer<UInt64>,
        _ distances: UnsafeMutablePointer<Float>, leastWidth: Int = CentroidGraph.leastWidth
    ) throws(VecStoreError) {
        var found: UInt64 = 0
        let options = SearchOptions(efSearch: max(CentroidGraph.widthFactor * count, leastWidth), rescores: false)
        try withUnsafeMutablePointer(to: &found) { (found) throws(VecStoreError) in
            try index.search(
                query, type: .float32, count: 1, k: count, options: options,
                SearchOutput(ids: lists, distances: distances, counts: found))
        }
        // A damaged file may name any list, or lead to few: lists in order take their places.
        let nlist = UInt64(index.count)
        guard found < count || (0..<count).contains(where: { lists[$0] >= nlist }) else { return }
        for i in 0..<count { lists[i] = UInt64(i) }
    }
}
