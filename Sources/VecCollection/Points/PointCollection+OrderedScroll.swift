// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension PointCollection {
    /// Points in the order of the values of a field, those of one value in the order of their ids: a page of them. Points without a
    /// value that the field's index has are left out; of several values the one counts that comes first in the order.
    /// - Parameter limit: The most that are wanted. Fewer come only where there are no more.
    func readOrderedPage(
        by order: ScrollOrder, limit: Int, filter: [UInt8]?, withVectors: Bool
    ) throws(VecStoreError) -> [OrderedPoint] {
        let path = try PayloadPath(order.path, name: "order_by")
        try checkNumber(limit, "limit")
        for _ in 0..<PointCollection.mostLoads {
            try checkUsable()
            try load(orderedField(path, current.fields))
            if let filter { try prepare(filter) }
            let points = try moment { (state, database) throws(VecStoreError) -> [OrderedPoint]? in
                let field = try orderedField(path, state.fields)
                // Another one than was read, where somebody made it anew, or refreshed, meanwhile.
                guard fieldsLock.shared({ field.loaded != nil }) else { return nil }
                let wanted = try filter.map { filter throws(VecStoreError) in try matchingRows(filter, state, database) }
                let rows = try OrderedRows(self, state, database, field, wanted, isDescending: order.isDescending)
                return try page(rows, order, limit: limit, withVectors: withVectors, state, database)
            }
            if let points { return points }
        }
        throw VecStoreError(.outOfMemory, "the index of the field '\(path)' does not stay in memory")
    }

    private static let mostLoads = 100

    private func page(
        _ rows: OrderedRows, _ order: ScrollOrder, limit: Int, withVectors: Bool, _ state: CollectionState, _ database: Database
    ) throws(VecStoreError) -> [OrderedPoint] {
        let type = rows.field.type
        let select = try database.statement("SELECT row, id, missing, expires, payload FROM points WHERE row = ?1")
        defer { select.reset() }
        guard var place = try start(order, type) else { return [] }
        var page: [OrderedPoint] = []
        while page.count < limit {
            let found = try rows.next(from: place, limit: limit - page.count)
            guard let last = found.last else { break }
            for (row, key, _) in found {
                select.reset()
                try select.bind(1, Int64(row))
                // One that has ended just now is not there, and the page goes on.
                if try select.step(), let point = try point(select, withVectors: withVectors, state) {
                    page.append(OrderedPoint(point: point, value: key.json(type)))
                }
            }
            place = OrderedRows.Place(key: last.key, after: last.id)
        }
        return page
    }

    /// Where a page begins; nil: behind all points.
    private func start(_ order: ScrollOrder, _ type: FieldIndexType) throws(VecStoreError) -> OrderedRows.Place? {
        var place = OrderedRows.Place()
        if let start = order.start {
            guard let key = try OrderKey.first(start, type, isDescending: order.isDescending, "start_from") else { return nil }
            place.key = key
        }
        guard let (value, id) = order.after else { return place }
        guard let key = try OrderKey.first(value, type, isDescending: order.isDescending, "after_value") else { return nil }
        try id.check()
        // A value that the index cannot hold lies between two others: the point was none of these.
        let isHeld = try OrderKey.first(value, type, isDescending: !order.isDescending, "after_value") == key
        return OrderedRows.Place(key: key, after: isHeld ? id : nil)
    }

    /// The field of a path whose index has an order.
    private func orderedField(_ path: PayloadPath, _ fields: FieldTable) throws(VecStoreError) -> Field {
        let found = fields.fields.filter { $0.path == path }
        for type in OrderKey.types { if let field = found.first(where: { $0.type == type }) { return field } }
        let kinds = found.isEmpty ? "no index" : "an index of type \(found.map(\.type.rawValue).joined(separator: " and ")) alone"
        throw VecStoreError(
            .invalidArgument,
            "order_by '\(path)' has \(kinds): an order needs one of type integer, float, datetime or keyword, which create_payload_index makes")
    }
}
