// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension PointCollection {
    /// Calls `body` with points of one moment, in the order in which they were written, while searches and writes go on.
    /// - Parameters:
    ///   - filter: As JSON; nil: all points.
    ///   - body: Gets a point, and about how many there are. It does not ask the collection for anything.
    package func eachPoint(
        where filter: [UInt8]?, _ body: (_ point: Point, _ total: Int) throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        try eachRow(filter) { (select, _, state, total) throws(VecStoreError) in
            if let point = try point(select, withVectors: true, state) { try body(point, total) }
        }
    }

    /// The same with the row of "row, id, missing, expires, payload".
    func eachRow(
        _ filter: [UInt8]?, _ body: (_ select: Statement, _ row: Int, CollectionState, _ total: Int) throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        if let filter { try prepare(filter) }
        let time = now()
        try moment { (state, database) throws(VecStoreError) in
            let wanted = try filter.map { filter throws(VecStoreError) in try matchingRows(filter, state, database) }
            let total = wanted?.count ?? state.count
            let select = try database.statement("SELECT row, id, missing, expires, payload FROM points ORDER BY row")
            defer { select.reset() }
            while try select.step() {
                guard let row = UInt32(exactly: select.number(0)), Int(row) < state.rowCount else { continue }
                if select.type(3) != .null, select.number(3) <= time { continue }
                guard wanted?.contains(row) ?? state.isAlive(Int(row)) else { continue }
                try body(select, Int(row), state, total)
            }
        }
    }
}
