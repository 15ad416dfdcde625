// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Memory that a collection has asked for, by what it is for: bytes. What SQLite keeps of its pages does not count, nor do maps of files.
struct MemoryUse {
    var ids = 0
    /// Sets of rows that are dead, or lack a vector.
    var sets = 0
    var fields = 0
    var texts = 0
    var graphs = 0
    /// Codes of rows that wait for graphs.
    var waiting = 0
    /// Rows that filters let through.
    var filters = 0

    var total: Int { ids + sets + fields + texts + graphs + waiting + filters }

    /// By the names that metrics and descriptions have for it.
    var parts: [(name: String, bytes: Int)] {
        [
            ("ids", ids), ("dead_rows", sets), ("graphs", graphs), ("waiting_codes", waiting), ("payload_indexes", fields),
            ("text_lengths", texts), ("filter_cache", filters),
        ]
    }
}

extension PointCollection {
    func memoryUse(_ state: CollectionState) -> MemoryUse {
        var use = MemoryUse()
        use.ids = state.store.points.bytes(state.rowCount)
        use.sets = state.dead?.bytes ?? 0
        for vector in state.vectors {
            use.graphs += vector.graph?.stats().memoryBytes ?? 0
            use.waiting += vector.waiting.bytes
            if let hidden = vector.hidden, hidden !== state.dead { use.sets += hidden.bytes }
        }
        fieldsLock.shared {
            for field in state.fields.fields {
                use.fields += field.loaded?.bytes ?? 0
                use.texts += field.lengths?.bytes ?? 0
            }
        }
        use.filters = filters.counts.bytes
        return use
    }

    /// Makes sure that so much more memory is within the budget: rows of filters are forgotten where it is not.
    /// - Throws: `.outOfMemory` where that is not enough.
    func makeRoom(_ bytes: Int, for what: @autoclosure () -> String) throws(VecStoreError) {
        guard let budget = options.memoryBudget else { return }
        if memoryUse(current).total <= budget - bytes { return }
        filters.forgetRows()
        let used = memoryUse(current).total
        if used <= budget - bytes { return }
        throw VecStoreError(
            .outOfMemory,
            "'\(directory)': memory_budget is \(budget) bytes, of which \(used) are in use: \(bytes) more for \(what()) do not fit")
    }

    /// Memory that writing points takes until they are in the graph: a guess that is not too low.
    func makeRoom(forPoints count: Int) throws(VecStoreError) {
        guard options.memoryBudget != nil else { return }
        let texts = current.fields.fields.reduce(0) { $0 + ($1.type == .text ? 1 : 0) }
        let bytes = count * (8 + 4 * texts + settings.count)
        do throws(VecStoreError) {
            try makeRoom(bytes, for: "\(count) points")
        } catch {
            // Graphs that are held in memory can be read from their files.
            guard let indexer, let writer, try indexer.mapGraphs(self, writer) else { throw error }
            try makeRoom(bytes, for: "\(count) points")
        }
    }

    /// Bytes of the maps of vectors and of graphs that lie in the memory of this process.
    func residentBytes(_ state: CollectionState) -> (vectors: Int, graphs: Int) {
        let rows = state.store.files.map(\.mappedRange), graphs = state.vectors.compactMap { ($0.graph as? HNSWIndex)?.mappedRange }
        let sizes = ResidentMaps.bytes(of: rows + graphs)
        return (sizes.prefix(rows.count).reduce(0, +), sizes.dropFirst(rows.count).reduce(0, +))
    }
}
