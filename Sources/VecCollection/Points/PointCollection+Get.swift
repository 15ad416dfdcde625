// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension PointCollection {
    /// Points by their ids, in the order of the ids; nil for those that are not there.
    func findPoints(_ ids: [PointID], withVectors: Bool) throws(VecStoreError) -> [Point?] {
        try CollectionLimits.checkIDs(ids.count)
        return try moment { (state, database) throws(VecStoreError) in
            let select = try database.statement("SELECT row, id, missing, expires, payload FROM points WHERE id = ?1")
            defer { select.reset() }
            var points: [Point?] = []
            points.reserveCapacity(ids.count)
            for id in ids {
                select.reset()
                try id.bind(select, 1)
                points.append(try select.step() ? try point(select, withVectors: withVectors, state) : nil)
            }
            return points
        }
    }

    /// The point of a row of "row, id, missing, expires, payload"; nil where it has ended.
    func point(_ select: Statement, withVectors: Bool, _ state: CollectionState) throws(VecStoreError) -> Point? {
        guard let row = UInt32(exactly: select.number(0)) else { return nil }
        let expires = select.type(3) == .null ? nil : select.number(3)
        if let expires, expires <= now() { return nil }
        var vectors: [String: [Float]] = [:]
        if withVectors {
            let missing = UInt64(bitPattern: select.number(2))
            for (place, vector) in settings.enumerated() where missing & (1 << UInt64(place)) == 0 {
                vectors[vector.name] = try storedVector(row, place, state.store)
            }
        }
        return Point(id: PointID(select, 1), payload: Array(select.bytes(4)), vectors: vectors, expires: expires)
    }
}
