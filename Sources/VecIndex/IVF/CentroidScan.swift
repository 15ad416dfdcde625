// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Finds the lists nearest to some queries among all: the products of all of them with all centroids, by 8-bit codes where the
/// processor multiplies bytes and else as one matrix product, then the best of them. One thread uses it.
struct CentroidScan {
    private let model: IVFModel
    private let table: KernelTable
    private let memory: Buffer
    private let queries: UnsafeMutablePointer<Float>
    private let positions: UnsafeMutablePointer<UInt32>
    /// The best lists so far, and those that may come in.
    private let entries: UnsafeMutablePointer<UInt64>
    private let batch: UnsafeMutablePointer<UInt64>
    private let room: UnsafeMutablePointer<UInt64>
    /// Without codes.
    private let products: UnsafeMutablePointer<Float>
    /// With codes: those of queries, side by side and as a panel, what they are worth, and products.
    private let codes: UnsafeMutablePointer<Int8>
    private let panel: UnsafeMutablePointer<UInt8>
    private let excess: UnsafeMutablePointer<Int32>
    private let scales: UnsafeMutablePointer<Float>
    private let codeProducts: UnsafeMutablePointer<Int32>

    /// Queries that are worked on at a time: two panels of the tile kernel.
    static let queriesAtATime = 24
    /// Lists that are merged into the best at a time, and looked at before at most.
    private static let batchSize = KernelTable.largestMerge
    private static let mostAtATime = 4096
    /// Fewer queries are compared one by one: a tile has work for twelve.
    private static let leastTiled = 6

    init(_ model: IVFModel, _ table: KernelTable) throws(VecStoreError) {
        self.model = model
        self.table = table
        let n = CentroidScan.queriesAtATime, nlist = model.nlist, dimension = model.dimension
        let padded = model.panels?.paddedCount ?? 0
        let isCoded = model.panels != nil
        var layout = Layout()
        let queriesAt = layout.add(Float.self, n * dimension)
        let positionsAt = layout.add(UInt32.self, min(nlist, CentroidScan.mostAtATime))
        let entriesAt = layout.add(UInt64.self, nlist + CentroidScan.batchSize)
        let batchAt = layout.add(UInt64.self, CentroidScan.batchSize + 8)
        let roomAt = layout.add(UInt64.self, CentroidScan.batchSize + 8)
        let productsAt = layout.add(Float.self, isCoded ? 0 : n * nlist)
        let codesAt = layout.add(Int8.self, isCoded ? table.codes.tileQueries * dimension : 0)
        let panelAt = layout.add(UInt8.self, isCoded ? table.codes.tileQueries * (dimension + 3) / 4 * 4 : 0)
        let excessAt = layout.add(Int32.self, table.codes.tileQueries)
        let scalesAt = layout.add(Float.self, n)
        // A tile writes all its queries, wanted or not.
        let codeProductsAt = layout.add(Int32.self, (n + table.codes.tileQueries) * padded)
        memory = try allocate(UInt8.self, layout.size, for: "the distances of \(nlist) lists")
        queries = memory.pointer(Float.self, at: queriesAt)
        positions = memory.pointer(UInt32.self, at: positionsAt)
        entries = memory.pointer(UInt64.self, at: entriesAt)
        batch = memory.pointer(UInt64.self, at: batchAt)
        room = memory.pointer(UInt64.self, at: roomAt)
        products = memory.pointer(Float.self, at: productsAt)
        codes = memory.pointer(Int8.self, at: codesAt)
        panel = memory.pointer(UInt8.self, at: panelAt)
        excess = memory.pointer(Int32.self, at: excessAt)
        scales = memory.pointer(Float.self, at: scalesAt)
        codeProducts = memory.pointer(Int32.self, at: codeProductsAt)
    }

    /// Query i, written by whoever asks.
    func query(_ i: Int) -> UnsafeMutablePointer<Float> { queries + i * model.dimension }

    /// Computes the products of the first `count` queries with all centroids. Call it within `BLAS.onOneThread`.
    func multiply(_ count: Int) {
        let dimension = model.dimension
        guard let panels = model.panels else {
            BLAS.innerProducts(
                queries: queries, count: count, rows: model.centroids.rows, rowCount: model.nlist,
                dimension: dimension, products: products, stride: model.nlist)
            return
        }
        var from = 0
        while from < count {
            let n = min(table.codes.tileQueries, count - from)
            for i in 0..<n { encode(from + i, codes + i * dimension, excess + i) }
            if n < CentroidScan.leastTiled, let rows = model.centroids.codes {
                for i in 0..<n {
                    table.codes.rows(
                        codes + i * dimension, rows.codes, dimension, model.nlist, dimension,
                        codeProducts + (from + i) * panels.paddedCount)
                }
                return
            }
            table.codes.pack(
                UnsafeRawPointer(codes).assumingMemoryBound(to: UInt8.self), dimension, n, table.codes.tileQueries,
                dimension, panel)
            panels.multiply(panel, excess: excess, codeProducts + from * panels.paddedCount, table)
            from += n
        }
    }

    /// Writes the signed codes of a query, and 128 times their sum.
    private func encode(_ i: Int, _ signed: UnsafeMutablePointer<Int8>, _ excess: UnsafeMutablePointer<Int32>) {
        let unsigned = UnsafeMutableRawPointer(signed).assumingMemoryBound(to: UInt8.self)
        scales[i] = RowEncoder(table: table, dimension: model.dimension).encode(query(i), norm: 0, unsigned).scale
        var sum: Int32 = 0
        for d in 0..<model.dimension {
            unsigned[d] ^= 0x80
            sum &+= Int32(signed[d])
        }
        excess.pointee = 128 &* sum
    }

    /// The `count` lists nearest to query i. Valid until others are asked for.
    func nearest(_ i: Int, _ count: Int) -> NearLists.Lists {
        let most = min(count, model.nlist)
        if let panels = model.panels {
            // The score, −2·q·c + ‖c‖² or −reach·q·c, divided by what a product of codes is worth.
            // A query of zeros has products that are worth nothing, and are 0.
            let inverse = scales[i] > 0 ? 1 / scales[i] : 1
            let product = codeProducts + i * panels.paddedCount
            let weights = model.codeWeights, offsets = model.offsets
            merge(most) { (from, n, limit) in
                table.codes.select(
                    product + from, weights + from, weights + from, offsets + from, n, 0, inverse, 0 - limit, positions)
            } score: { l in
                offsets[l] * inverse - weights[l] * Float(product[l])
            }
        } else {
            let product = products + i * model.nlist
            merge(most) { (from, n, limit) in
                table.selectAffine(product + from, model.offsets + from, model.weights + from, n, limit, positions)
            } score: { l in
                model.offsets[l] + model.weights[l] * product[l]
            }
        }
        return NearLists.Lists(entries: UnsafePointer(entries), count: most)
    }

    /// Merges the `most` lists of the least scores. An entry is a score, as bits that are ordered as integers are, above the
    /// number of the list.
    @inline(__always)
    private func merge(
        _ most: Int, _ select: (_ from: Int, _ count: Int, _ limit: Float) -> Int, score: (Int) -> Float
    ) {
        var count = 0, from = 0
        while from < model.nlist {
            // So many that about a batch of them will be among the best so far, where lists come in no order.
            let wanted = max(CentroidScan.batchSize, from * CentroidScan.batchSize / most)
            let n = min(wanted, CentroidScan.mostAtATime, model.nlist - from)
            let found = select(from, n, count < most ? .infinity : CentroidScan.score(entries[most - 1]))
            var done = 0
            while done < found {
                let some = min(CentroidScan.batchSize, found - done)
                for f in 0..<some {
                    let l = from + Int(positions[done + f])
                    batch[f] = CentroidScan.entry(score(l), l)
                }
                _ = table.merge(entries, count, most, batch, some, room)
                count = min(count + some, most)
                done += some
            }
            from += n
        }
        // Scores that are no numbers, of a damaged file, are never at most anything: lists in order fill up the rest.
        while count < most {
            entries[count] = CentroidScan.entry(.infinity, count)
            count += 1
        }
    }

    @inline(__always)
    private static func entry(_ score: Float, _ list: Int) -> UInt64 {
        // −0 becomes 0.
        let bits = (score + 0).bitPattern
        let key = bits ^ (UInt32(bitPattern: Int32(bitPattern: bits) >> 31) | 0x8000_0000)
        return UInt64(key) << 32 | UInt64(list)
    }

    @inline(__always)
    private static func score(_ entry: UInt64) -> Float {
        let key = UInt32(truncatingIfNeeded: entry >> 32)
        return Float(bitPattern: key & 0x8000_0000 != 0 ? key ^ 0x8000_0000 : ~key)
    }
}
