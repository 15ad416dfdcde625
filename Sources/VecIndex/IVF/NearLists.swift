// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Finds the lists nearest to some queries: by a graph over the centroids, where there is one and few lists are wanted, else by
/// comparing all centroids. One thread uses it.
struct NearLists {
    private enum Way {
        case scan(CentroidScan)
        case graph(CentroidGraph, lists: UnsafeMutablePointer<UInt64>, distances: UnsafeMutablePointer<Float>)
    }

    private let way: Way
    private let memory: Buffer?
    private let queries: UnsafeMutablePointer<Float>
    private let dimension: Int

    /// Queries that are worked on at a time.
    static let queriesAtATime = CentroidScan.queriesAtATime

    /// - Parameter most: Lists that are asked for at most.
    init(_ model: IVFModel, _ table: KernelTable, most: Int) throws(VecStoreError) {
        dimension = model.dimension
        guard let graph = model.graph, graph.pays(for: most, besideCodes: model.panels != nil) else {
            let scan = try CentroidScan(model, table)
            way = .scan(scan)
            queries = scan.query(0)
            memory = nil
            return
        }
        var layout = Layout()
        let queriesAt = layout.add(Float.self, NearLists.queriesAtATime * dimension)
        let listsAt = layout.add(UInt64.self, most)
        let distancesAt = layout.add(Float.self, most)
        let memory = try allocate(UInt8.self, layout.size, for: "the lists nearest to some queries")
        queries = memory.pointer(Float.self, at: queriesAt)
        way = .graph(
            graph, lists: memory.pointer(UInt64.self, at: listsAt), distances: memory.pointer(Float.self, at: distancesAt))
        self.memory = memory
    }

    /// Query i, written by whoever asks.
    func query(_ i: Int) -> UnsafeMutablePointer<Float> { queries + i * dimension }

    /// Makes the first `count` queries ready. Call it within `BLAS.onOneThread`.
    func prepare(_ count: Int) { if case .scan(let scan) = way { scan.multiply(count) } }

    /// The lists nearest to a query, the nearest first.
    struct Lists {
        /// Each with its number in the lower half.
        let entries: UnsafePointer<UInt64>
        let count: Int

        subscript(_ i: Int) -> Int { Int(truncatingIfNeeded: entries[i] & 0xffff_ffff) }
    }

    /// The `count` lists nearest to query i, which is ready, as nearly as codes can tell. Valid until others are asked for.
    func nearest(_ i: Int, _ count: Int) throws(VecStoreError) -> Lists {
        switch way {
        case .scan(let scan): return scan.nearest(i, count)
        case .graph(let graph, let lists, let distances):
            try graph.nearest(query(i), count, lists, distances)
            return Lists(entries: UnsafePointer(lists), count: count)
        }
    }
}
