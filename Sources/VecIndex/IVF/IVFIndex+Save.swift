// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

extension IVFIndex {
    /// Writes the index as it is now to a file, whole or not at all, its rows in the order of their lists.
    package func save(to path: String, sync: Bool, notes: AutoNotes?) throws(VecStoreError) {
        let (state, nextID) = published.with { (_, state, nextID) in (state, nextID) }
        let packed = try PackedLists(state, options)
        let graph = try state.model?.graph?.image()
        let idMemory = try allocate(UInt64.self, state.count, for: "the ids to save")
        let ids = idMemory.pointer(UInt64.self)
        for i in 0..<state.count { ids[i] = state.rows.id(packed.oldSlots[i]) }
        let order = try IDOrder(ids, state.count)
        var header = FileHeader(
            shape: RowShape(dimension: options.dimension, metric: options.metric, type: options.type, keepsCodes: false),
            lists: ListFields(
                nlist: state.listCount, storage: options.storage, rowType: options.rowType, blocks: packed.blocks,
                assignments: options.assignments, codes: options.codeShape, isRotated: options.isRotated, graphSize: graph?.count ?? 0),
            count: state.count, nextID: nextID, idsAscend: order.ascends)
        header.notes = notes
        try header.write(to: path, sync: sync) { (kind, writer) throws(VecStoreError) in
            switch kind {
            case .ids: try writer.append(ids, 8 * state.count)
            case .idOrder: try writer.append(order.positions, 4 * state.count)
            case .listGraph: if let graph { try writer.append(graph.base, graph.count) }
            default: try write(kind, state, packed, writer)
            }
        }
        withExtendedLifetime((state, idMemory, graph)) {}
    }

    private func write(
        _ kind: SectionKind, _ state: IVFSnapshot, _ packed: PackedLists, _ writer: SectionWriter
    ) throws(VecStoreError) {
        let rows = state.rows
        switch kind {
        case .inverseNorms:
            for i in 0..<state.count {
                var value = rows.inverseNorm(packed.oldSlots[i])
                try writer.append(&value, 8)
            }
        case .fullRows:
            for i in 0..<state.count {
                if let row = rows.row(packed.oldSlots[i]) { try writer.append(row, rows.rowSize) }
            }
        case .homes:
            for i in 0..<state.count {
                for a in 0..<options.assignments {
                    var list = rows.home(packed.oldSlots[i], a)
                    try writer.append(&list, 4)
                }
            }
        case .listNotes:
            let bytes = IVFNotes(options, state.model).encode()
            try writer.append(bytes, bytes.count)
        case .listBlocks:
            let size = state.model?.layout.blockSize ?? 0
            try packed.forEachBlock { (block) throws(VecStoreError) in try writer.append(block, size) }
        case .listCounts:
            for l in 0..<state.listCount {
                var count = UInt32(truncatingIfNeeded: state.list(l).count)
                try writer.append(&count, 4)
            }
        default:
            if let model = state.model { try write(kind, model, writer) }
        }
    }

    private func write(_ kind: SectionKind, _ model: IVFModel, _ writer: SectionWriter) throws(VecStoreError) {
        switch kind {
        case .centroids: try writer.append(model.centroids.rows, 4 * model.nlist * model.dimension)
        case .listNumbers:
            try writer.append(model.radii, 4 * model.nlist)
            try writer.append(model.reaches, 4 * model.nlist)
        case .codebooks:
            switch model.codec?.kind {
            case .product(let quantizer):
                for j in 0..<quantizer.m {
                    try writer.append(quantizer.part(j).centroids, 4 * quantizer.k * quantizer.range(j).count)
                }
                if let rotation = quantizer.rotation {
                    try writer.append(rotation.matrix, 4 * model.dimension * model.dimension)
                }
            case .scalar(let grid):
                try writer.append(grid.middle, 4 * model.dimension)
                try writer.append(grid.step, 4 * model.dimension)
            case .binary, nil: break
            }
        default: break
        }
    }
}
