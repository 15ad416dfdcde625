// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// What training an inverted file found. Immutable.
///
/// Lists lie around centroids. Under l2sq these are those of k-means; under ip and cosine directions, those of spherical
/// k-means, of norm 1: a query looks for the directions nearest to its own, and means of long and of short lists compare
/// alike. What codes say of a row is relative to the center of its list, which is the centroid times the list's `radius`.
final class IVFModel: @unchecked Sendable {
    // Safety: written by its maker before anybody else sees it.

    let nlist: Int
    let dimension: Int
    let metric: Metric
    let centroids: CentroidTable
    /// ‖c‖² of each centroid: 1 under ip and cosine.
    let squares: UnsafeMutablePointer<Float>
    /// Center = radius · centroid: the mean of x·c over the rows of a list under ip and cosine, else 1.
    let radii: UnsafeMutablePointer<Float>
    /// The mean norm of the rows of each list: a query under ip looks for large rows too. 1 under l2sq and cosine.
    let reaches: UnsafeMutablePointer<Float>
    /// The score of a list for a query is offset + weight · (q·c), less for nearer ones: ‖c‖² − 2·q·c, or −reach · q·c.
    let offsets: UnsafeMutablePointer<Float>
    let weights: UnsafeMutablePointer<Float>
    /// −weight times what a product of codes is worth; where there are codes.
    let codeWeights: UnsafeMutablePointer<Float>
    let panels: CentroidPanels?
    /// Over the centroids, where there are many. Set by whoever makes the model, from what the model says.
    var graph: CentroidGraph?
    private let memory: Buffer
    /// How rows are coded; nil where lists hold none.
    let codec: ListCodec?
    let codeShape: ListCodeShape
    let layout: ListLayout
    /// Rows that it was trained on.
    let trainedCount: Int
    /// Whether it was trained on the rows themselves, by the first call that added some or by `optimize`: then it is trained
    /// again as rows come.
    let isOwn: Bool
    /// The mean norm of the rows: what queries under ip are scaled to. 1 under cosine; unused under l2sq.
    let meanNorm: Float
    /// What was measured with these lists.
    let calibration = KeptCalibration()

    /// - Parameter fill: Writes radii and reaches.
    init(
        _ centroids: CentroidTable, metric: Metric, codec: ListCodec?, trainedCount: Int, isOwn: Bool, meanNorm: Float,
        _ fill: (_ radii: UnsafeMutablePointer<Float>, _ reaches: UnsafeMutablePointer<Float>) throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        nlist = centroids.k
        dimension = centroids.dimension
        self.metric = metric
        self.centroids = centroids
        self.codec = codec
        self.trainedCount = trainedCount
        self.isOwn = isOwn
        self.meanNorm = meanNorm
        codeShape = codec?.shape ?? ListCodeShape()
        layout = codeShape.layout
        let table = centroids.context.table
        panels = CentroidTable.hasCodes(table, dimension: dimension) ? try CentroidPanels(centroids, table) : nil
        memory = try allocate(Float.self, 6 * nlist, for: "the centers of \(nlist) lists")
        squares = memory.pointer(Float.self)
        radii = squares + nlist
        reaches = radii + nlist
        offsets = reaches + nlist
        weights = offsets + nlist
        codeWeights = weights + nlist
        try fill(radii, reaches)
        for l in 0..<nlist {
            let c = centroids.row(l)
            var square: Float = 0
            for d in 0..<dimension { square += c[d] * c[d] }
            squares[l] = square
            offsets[l] = metric == .l2Squared ? square : 0
            weights[l] = metric == .l2Squared ? -2 : 0 - reaches[l]
            codeWeights[l] = 0 - weights[l] * (panels?.scales[l] ?? 0)
        }
    }

    /// The metric by which rows find their lists: that of `centroids`.
    static func listMetric(_ metric: Metric) -> Metric { metric == .l2Squared ? .l2Squared : .innerProduct }

    /// Writes what a row differs by from the center of a list.
    func residual(_ row: UnsafePointer<Float>, _ list: Int, _ out: UnsafeMutablePointer<Float>) {
        let c = centroids.row(list), radius = radii[list]
        for d in 0..<dimension { out[d] = row[d] - radius * c[d] }
    }

    var bytes: Int { centroids.memory.size + memory.size + (panels?.bytes ?? 0) + (graph?.bytes ?? 0) + (codec?.bytes ?? 0) }
}
