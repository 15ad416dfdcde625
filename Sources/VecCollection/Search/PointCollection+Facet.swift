// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension PointCollection {
    /// The values of a field, as JSON, and how many points have each: the most frequent first, those of the same count by their bytes.
    /// A point whose field is an array counts once for each of its different elements.
    func countValues(
        _ path: String, filter: [UInt8]?, limit: Int
    ) throws(VecStoreError) -> [(value: [UInt8], count: Int)] {
        let path = try PayloadPath(path, name: "path")
        try checkNumber(limit, "limit")
        if let filter { try prepare(filter) }
        for field in current.fields.fields where field.path == path && field.type == .keyword { try load(field) }
        return try moment { (state, database) throws(VecStoreError) in
            let wanted = try filter.map { filter throws(VecStoreError) in try matchingRows(filter, state, database) }
            if let counts = try indexedFacet(path, wanted, state, limit: limit) { return counts }
            var counts: [[UInt8]: Int] = [:]
            let select = try database.statement("SELECT row, payload FROM points WHERE payload IS NOT NULL ORDER BY row")
            defer { select.reset() }
            while try select.step() {
                guard let row = UInt32(exactly: select.number(0)), wanted?.contains(row) ?? state.isAlive(Int(row)) else { continue }
                for value in try groupValues(Array(select.bytes(1)), path) { counts[value, default: 0] += 1 }
            }
            let sorted = counts.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key.lexicographicallyPrecedes($1.key) }
            return sorted.prefix(limit).map { ($0.key, $0.value) }
        }
    }

    /// The same from an index of keywords; nil where there is none, or where points have values that it cannot hold.
    private func indexedFacet(
        _ path: PayloadPath, _ wanted: RowSet?, _ state: CollectionState, limit: Int
    ) throws(VecStoreError) -> [(value: [UInt8], count: Int)]? {
        guard let field = state.fields.fields.first(where: { $0.path == path && $0.type == .keyword }) else { return nil }
        return try fieldsLock.shared { () throws(VecStoreError) in
            guard let loaded = field.loaded, loaded.others.isEmpty, case .keyword(let index) = loaded.index else { return nil }
            // Rows that died are in the index for a while.
            var among = wanted
            if among == nil, let dead = state.dead {
                let alive = try RowSet(span: state.rowCount, isFull: true)
                alive.subtract(dead)
                among = alive
            }
            return try index.counts(among: among, limit: limit).map { facet in
                var writer = JSONWriter()
                writer.string(facet.value)
                return (writer.bytes, facet.count)
            }
        }
    }
}
