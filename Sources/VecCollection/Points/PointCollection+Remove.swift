// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension PointCollection {
    /// Removes points; those that are not there are passed over.
    /// - Returns: How many there were.
    func removePoints(_ ids: [PointID]) throws(VecStoreError) -> Int {
        try CollectionLimits.checkIDs(ids.count)
        return try change { (database, fields, change) throws(VecStoreError) in
            var count = 0
            for id in ids {
                guard let row = try findRow(id, database) else { continue }
                try delete(row, database, fields, &change)
                count += 1
            }
            return count
        }
    }

    /// Removes the points that match a filter.
    func removePoints(where filter: [UInt8]) throws(VecStoreError) -> Int {
        try prepare(filter)
        return try change { (database, fields, change) throws(VecStoreError) in
            var count = 0
            let rows = try FilterCompiler(self, current, database).rows(try filters.filter(filter))
            try rows.forEach { row throws(VecStoreError) in
                // It may have gone meanwhile.
                guard try exists(row, database) else { return true }
                try delete(Int(row), database, fields, &change)
                count += 1
                return true
            }
            return count
        }
    }

    private func exists(_ row: UInt32, _ database: Database) throws(VecStoreError) -> Bool {
        let select = try database.statement("SELECT 1 FROM points WHERE row = ?1")
        defer { select.reset() }
        try select.bind(1, Int64(row))
        return try select.step()
    }

    /// Runs a write that adds no rows.
    func change<R>(
        _ body: (Database, FieldWriter, inout StateChange) throws(VecStoreError) -> R
    ) throws(VecStoreError) -> R {
        let result = try writing { database throws(VecStoreError) in
            var change = try StateChange(self)
            let fields = try FieldWriter(self, database)
            let result = try database.transaction { () throws(VecStoreError) in
                try deleteExpired(database, fields, &change)
                let result = try body(database, fields, &change)
                try change.prepare(database)
                return result
            }
            fields.finish()
            change.publish()
            return result
        }
        indexer?.wake()
        return result
    }
}
