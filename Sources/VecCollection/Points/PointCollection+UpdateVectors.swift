// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension PointCollection {
    /// Gives points other vectors of one or more names, all or none; their payloads, and vectors of other names, stay.
    /// - Throws: `.notFound` where one of the points is not there.
    func replaceVectors(_ ids: [PointID], _ vectors: [PointBatch.Vectors]) throws(VecStoreError) {
        try CollectionLimits.checkIDs(ids.count)
        indexer?.holdBack(self)
        try makeRoom(forPoints: ids.count)
        try writing { database throws(VecStoreError) in
            // What the points are now, so that they can be written as a whole.
            var payloads: [[UInt8]] = [], expires: [Int64] = [], missing: [UInt64] = [], rows: [Int] = []
            let select = try database.statement("SELECT row, missing, expires, payload FROM points WHERE id = ?1")
            for id in ids {
                select.reset()
                try id.bind(select, 1)
                guard try select.step() else { throw VecStoreError(.notFound, "there is no point \(id)") }
                guard let row = Int(exactly: select.number(0)), row >= 0, row < nextRow else {
                    throw VecStoreError(.corrupt, "'\(directory)': there is a row \(select.number(0)) of \(nextRow)")
                }
                rows.append(row)
                missing.append(UInt64(bitPattern: select.number(1)))
                expires.append(select.type(2) == .null ? 0 : select.number(2))
                payloads.append(Array(select.bytes(3)))
            }
            select.reset()
            var all = vectors
            let named = try Set(vectors.map { (vectors) throws(VecStoreError) in try vector(vectors.name) })
            var memory: [Buffer] = []
            let files = current.store.files
            for (place, settings) in settings.enumerated() where !named.contains(place) {
                let copy = try allocate(UInt8.self, ids.count * settings.rowSize, for: "the vectors of \(ids.count) points")
                let present = try allocate(UInt8.self, ids.count, for: "the vectors of \(ids.count) points")
                for (i, row) in rows.enumerated() where missing[i] & (1 << UInt64(place)) == 0 {
                    present.pointer(UInt8.self)[i] = 1
                    (copy.base + i * settings.rowSize).copyMemory(from: files[place].row(row), byteCount: settings.rowSize)
                }
                memory += [copy, present]
                all.append(
                    PointBatch.Vectors(
                        name: settings.name.isEmpty ? nil : settings.name, rows: copy.base, type: settings.type,
                        present: UnsafePointer(present.pointer(UInt8.self))))
            }
            defer { withExtendedLifetime(memory) {} }
            try write(ids, all, payloads, expires, database)
        }
        indexer?.wake()
    }

    private func write(
        _ ids: [PointID], _ vectors: [PointBatch.Vectors], _ payloads: [[UInt8]], _ expires: [Int64], _ database: Database
    ) throws(VecStoreError) {
        let texts = try JoinedBytes(payloads, for: "the payloads of \(ids.count) points")
        let ends = try allocate(Int64.self, ids.count, for: "the ends of \(ids.count) points")
        for (i, end) in expires.enumerated() { ends.pointer(Int64.self)[i] = end }
        let batch = PointBatch(
            ids: ids, vectors: vectors, payloads: texts.views, expires: UnsafePointer(ends.pointer(Int64.self)))
        let staged = try StagedRows(batch, self)
        let documents = try parsePayloads(batch, keeps: true)
        try staged.withRows { () throws(VecStoreError) in try append(batch, staged, documents, database) }
        withExtendedLifetime((texts, ends)) {}
    }
}
