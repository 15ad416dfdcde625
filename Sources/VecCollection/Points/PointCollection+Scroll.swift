// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension PointCollection {
    /// How many points match a filter.
    func countPoints(where filter: [UInt8]?) throws(VecStoreError) -> Int {
        guard let filter else { return try reading { $0.count } }
        try prepare(filter)
        return try moment { (state, database) throws(VecStoreError) in try matchingRows(filter, state, database).count }
    }

    /// Points in the order of their ids, numbers first: a page of them.
    /// - Parameters:
    ///   - after: The last id of the page before; nil: from the beginning. Points that come or go meanwhile move no others.
    ///   - limit: The most that are wanted. Fewer come only where there are no more.
    func readPage(
        after: PointID?, limit: Int, filter: [UInt8]?, withVectors: Bool
    ) throws(VecStoreError) -> [Point] {
        try checkNumber(limit, "limit")
        if let filter { try prepare(filter) }
        return try moment { (state, database) throws(VecStoreError) in
            let wanted = try filter.map { filter throws(VecStoreError) in try matchingRows(filter, state, database) }
            var points: [Point] = []
            for part in IDPart.after(after) {
                let select = try database.statement(part.sql)
                defer { select.reset() }
                try part.last.bind(select, 1)
                while points.count < limit, try select.step() {
                    guard let row = UInt32(exactly: select.number(0)), wanted?.contains(row) ?? true else { continue }
                    if let point = try point(select, withVectors: withVectors, state) { points.append(point) }
                }
                if points.count == limit { break }
            }
            return points
        }
    }
}

/// A part of the ids as SQLite orders them: it takes numbers from 2^63 on for negative.
private enum IDPart {
    case low(PointID?)
    case high(PointID?)
    case text(PointID?)

    /// The parts that come after an id.
    static func after(_ id: PointID?) -> [IDPart] {
        switch id {
        case nil: [.low(nil), .high(nil), .text(nil)]
        case .number(let number) where number < 1 << 63: [.low(id), .high(nil), .text(nil)]
        case .number: [.high(id), .text(nil)]
        case .text: [.text(id)]
        }
    }

    private static let columns = "SELECT row, id, missing, expires, payload FROM points WHERE "

    var sql: String {
        switch self {
        case .low(nil): IDPart.columns + "id >= ?1 AND id < '' ORDER BY id"
        case .low: IDPart.columns + "id > ?1 AND id < '' ORDER BY id"
        case .high(nil): IDPart.columns + "id >= ?1 AND id < 0 ORDER BY id"
        case .high: IDPart.columns + "id > ?1 AND id < 0 ORDER BY id"
        case .text: IDPart.columns + "id > ?1 ORDER BY id"
        }
    }

    /// What the values of the statement begin with.
    var last: PointID {
        switch self {
        case .low(let id): id ?? .number(0)
        case .high(let id): id ?? .number(1 << 63)
        case .text(let id): id ?? .text("")
        }
    }
}
