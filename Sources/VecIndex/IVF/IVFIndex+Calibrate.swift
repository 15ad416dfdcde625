// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

extension IVFIndex {
    package var calibration: Calibration? { current.model?.calibration.value }

    /// Finds the least `nprobe` with which queries reach a recall, against exact search, and keeps it with the lists.
    /// - Parameter queries: nil: rows of the index, which find themselves more easily than strangers do.
    package func calibrate(
        _ queries: UnsafeRawPointer?, type: ElementType, count: Int, k: Int, recall: Float, threads: Int
    ) throws(VecStoreError) -> Calibration {
        try calibrate(queries, type: type, count: count, k: k, recall: recall, threads: threads, oversampling: nil)
    }

    /// - Parameter oversampling: That of the searches that it is for.
    func calibrate(
        _ queries: UnsafeRawPointer?, type: ElementType, count: Int, k: Int, recall: Float, threads: Int,
        oversampling: Float?
    ) throws(VecStoreError) -> Calibration {
        try checkWritable()
        guard options.rowType != nil else {
            throw VecStoreError(
                .unsupported,
                "lists of codes alone (rescore none) have no rows to measure a recall against: choose nprobe, or keep finer rows")
        }
        // Of these lists, whatever training makes meanwhile.
        let model = current.model
        let calibrator = try Calibrator(self, queries, type: type, count: count, k: k, recall: recall) {
            (queries, type, n, k, output) throws(VecStoreError) in
            try exactSearch(queries, type, n, k, threads, output)
        }
        let (nprobe, found) = try calibrator.least(1...max(model?.nlist ?? 1, 1)) {
            (nprobe, queries, type, n, k, output) throws(VecStoreError) in
            try search(
                queries, type: type, count: n, k: k,
                options: SearchOptions(threads: threads, nprobe: nprobe, oversampling: oversampling), output)
        }
        guard found.recall >= recall else {
            throw VecStoreError(
                .unsupported,
                "a recall of \(recall) cannot be reached: with every list read it is \(found.recall); more oversampling, or finer codes (storage), may help"
            )
        }
        var result = found
        result.nprobe = nprobe
        model?.calibration.value = result
        return result
    }

    /// The nearest rows by comparing with all, where rows are kept.
    func exactSearch(
        _ queries: UnsafeRawPointer, _ type: ElementType, _ count: Int, _ k: Int, _ threads: Int, _ output: SearchOutput
    ) throws(VecStoreError) {
        guard let rowType = options.rowType else { return }
        let state = current
        let context = try ScanContext(table: table, metric: options.metric, type: rowType, dimension: options.dimension)
        let block = try QueryBlock(
            queries, type: type, count: count, dimension: options.dimension, metric: options.metric, rowType: rowType,
            table: table)
        let marks = try allocate(UInt8.self, (state.usedSlots + 7) / 8, for: "the marks of \(state.usedSlots) rows")
        let live = marks.pointer(UInt8.self)
        try state.forEachRow { (slot) in live[Int(slot) >> 3] |= 1 &<< UInt8(truncatingIfNeeded: slot & 7) }
        try ExactSearch.nearest(context, block, state.rows.blocks(state.usedSlots, live: live), k: k, threads: threads, output)
        withExtendedLifetime((state, marks)) {}
    }
}

extension ListRows {
    /// The first `count` slots for a scan, of which those marked have rows.
    fileprivate func blocks(_ count: Int, live: UnsafePointer<UInt8>) -> [RowBlock] {
        guard let rows = rowView else { return [] }
        let ids = idView, size = Int(rows.mask) + 1
        return stride(from: 0, to: count, by: size).map { from in
            let slot = UInt32(truncatingIfNeeded: from)
            var block = RowBlock(rows: rows.address(slot), stride: rows.stride, count: min(size, count - from))
            block.ids = UnsafePointer(ids.address(slot).assumingMemoryBound(to: UInt64.self))
            block.wanted = live + from / 8
            block.wantedCount = (0..<block.count).reduce(0) { $0 + (block.isWanted($1) ? 1 : 0) }
            return block
        }
    }
}
