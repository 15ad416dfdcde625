// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// 8-bit codes of centroids in the order that the tile kernel reads: for products of many queries with all of them, good to a
/// thousandth or so. Immutable after `init`.
final class CentroidPanels: @unchecked Sendable {
    // Safety: written by init only.

    /// Centroids, and those that fill up the last panel.
    let paddedCount: Int
    /// What a product of codes is worth, for each centroid; 0 for those that fill up.
    let scales: UnsafePointer<Float>
    private let panels: UnsafePointer<UInt8>
    private let panelRows: Int
    private let groups: Int
    private let memory: Buffer

    var bytes: Int { memory.size }

    init(_ centroids: CentroidTable, _ table: KernelTable) throws(VecStoreError) {
        let k = centroids.k, dimension = centroids.dimension
        panelRows = table.codes.tileRows
        groups = (dimension + 3) / 4
        paddedCount = (k + panelRows - 1) / panelRows * panelRows
        guard let size = product(paddedCount, 4 * groups) else {
            throw VecStoreError(.tooLarge, "\(k) centroids of \(dimension) elements are more than there is memory for")
        }
        var layout = Layout()
        let scalesAt = layout.add(Float.self, paddedCount)
        let panelsAt = layout.add(UInt8.self, size)
        memory = try allocate(UInt8.self, layout.size, for: "the codes of \(k) centroids")
        let scales = memory.pointer(Float.self, at: scalesAt), panels = memory.pointer(UInt8.self, at: panelsAt)
        let room = try allocate(UInt8.self, panelRows * dimension, for: "the codes of \(k) centroids")
        let codes = room.pointer(UInt8.self)
        let encoder = RowEncoder(table: table, dimension: dimension)
        var from = 0
        while from < k {
            let n = min(panelRows, k - from)
            for i in 0..<n {
                scales[from + i] = encoder.encode(centroids.row(from + i), norm: 0, codes + i * dimension).scale
            }
            table.codes.pack(codes, dimension, n, panelRows, dimension, panels + from * 4 * groups)
            from += n
        }
        self.scales = UnsafePointer(scales)
        self.panels = UnsafePointer(panels)
    }

    /// Products of the codes of a panel of queries with all centroids: `paddedCount` for each query.
    func multiply(
        _ queries: UnsafePointer<UInt8>, excess: UnsafePointer<Int32>, _ products: UnsafeMutablePointer<Int32>,
        _ table: KernelTable
    ) {
        var at = 0
        while at < paddedCount {
            table.codes.tile(queries, panels + at * 4 * groups, groups, excess, products + at, paddedCount)
            at += panelRows
        }
    }
}
