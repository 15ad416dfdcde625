// SPDX-License-Identifier: Apache-2.0

import VecCollection

extension PointCollection {
    /// How many points there are, or match a filter.
    /// - Throws: `.invalidArgument` for a filter that is not right, `.io`, `.outOfMemory`, `.invalidHandle`.
    /// - Complexity: O(1) without a filter.
    public func count(filter: Condition? = nil) throws(VecStoreError) -> Int {
        try rethrow { () throws(CoreError) in try core.count(where: filter?.filterBytes) }
    }

    /// Points by their ids, in the order of the ids; nil for those that are not there.
    /// - Parameter withVectors: Whether to bring their vectors along.
    /// - Throws: `.tooLarge`, `.io`, `.corrupt`, `.outOfMemory`, `.invalidHandle`.
    public func get(_ ids: [PointID], withVectors: Bool = false) throws(VecStoreError) -> [Point?] {
        try rethrow { () throws(CoreError) in
            try core.get(ids.map(\.core), withVectors: withVectors).map { $0.map { Point($0) } }
        }
    }

    /// A point; nil where there is none with this id. Else as for several.
    public func get(_ id: PointID, withVectors: Bool = false) throws(VecStoreError) -> Point? {
        try get([id], withVectors: withVectors)[0]
    }

    /// A page of points, in the order of their ids: numbers first, then texts by their bytes.
    ///
    ///     var page = try points.scroll(limit: 100)
    ///     while let last = page.last {
    ///         …
    ///         page = try points.scroll(after: last.id, limit: 100)
    ///     }
    ///
    /// - Parameters:
    ///   - after: The last id of the page before; nil: from the beginning. Points that come or go meanwhile move no others.
    ///   - limit: The most that are wanted, 1 to 1,048,576; fewer come only where there are no more.
    ///   - filter: nil: all points.
    ///   - withVectors: Whether to bring their vectors along.
    /// - Throws: `.invalidArgument`, `.io`, `.corrupt`, `.outOfMemory`, `.invalidHandle`.
    public func scroll(
        after: PointID? = nil, limit: Int = 1000, filter: Condition? = nil, withVectors: Bool = false
    ) throws(VecStoreError) -> [Point] {
        try rethrow { () throws(CoreError) in
            try core.scroll(after: after?.core, limit: limit, filter: filter?.filterBytes, withVectors: withVectors)
                .map { Point($0) }
        }
    }

    /// A page of points, in the order of the values of a field: numbers and times by their size, strings by their bytes; points with
    /// the same value in the order of their ids, also where values descend. Of several values of a point the one counts that comes
    /// first in the order. Points without a value that the field's index holds are left out. Each has its `orderValue`; a time is
    /// a string there (a number, where its year has not four digits).
    ///
    ///     var page = try points.scroll(orderBy: "size", descending: true, limit: 100)
    ///     while let last = page.last {
    ///         …
    ///         page = try points.scroll(orderBy: "size", descending: true, after: last, limit: 100)
    ///     }
    ///
    /// - Parameters:
    ///   - path: Of a field with an index of kind `.integer`, `.float`, `.datetime` or `.keyword`; of several, `.float` comes before
    ///     `.integer`, then `.datetime`, then `.keyword`.
    ///   - descending: Whether the largest values come first.
    ///   - startFrom: The first value: a number, a string, or a `Date`; nil: from the least or the largest on.
    ///   - after: The last point of the page before, in the same order; nil: this is the first page. It need not be there any more,
    ///     or have its value still: a point comes twice, or not at all, only where its value changed meanwhile.
    ///   - limit: The most that are wanted, 1 to 1,048,576; fewer come only where there are no more.
    ///   - filter: nil: all points.
    ///   - withVectors: Whether to bring their vectors along.
    /// - Throws: `.invalidArgument`, also where the field has no such index, and where `after` has no `orderValue`; `.io`, `.corrupt`,
    ///   `.outOfMemory`, `.invalidHandle`.
    /// - Complexity: O(limit + points that have the first or the last value of the page), or what the filter takes.
    public func scroll(
        orderBy path: String, descending: Bool = false, startFrom: (any FieldBound)? = nil, after: Point? = nil, limit: Int = 1000,
        filter: Condition? = nil, withVectors: Bool = false
    ) throws(VecStoreError) -> [Point] {
        try rethrow { () throws(CoreError) in
            var order = ScrollOrder(path: path)
            order.isDescending = descending
            order.start = startFrom?.filterValue.jsonBytes
            if let after {
                guard let value = after.orderValue else {
                    throw CoreError(.invalidArgument, "after has no orderValue: it must be a point that came in the order of a field")
                }
                order.after = (value.jsonBytes, after.id.core)
            }
            var points: [Point] = []
            for ordered in try core.scroll(by: order, limit: limit, filter: filter?.filterBytes, withVectors: withVectors) {
                points.append(try Point(ordered))
            }
            return points
        }
    }

    /// The same behind a place that was kept.
    /// - Parameter place: The `orderValue` and the id of the last point of the page before.
    public func scroll(
        orderBy path: String, descending: Bool = false, after place: (value: PayloadValue, id: PointID), limit: Int = 1000,
        filter: Condition? = nil, withVectors: Bool = false
    ) throws(VecStoreError) -> [Point] {
        var last = Point(place.id, vectors: [:])
        last.orderValue = place.value
        return try scroll(
            orderBy: path, descending: descending, after: last, limit: limit, filter: filter, withVectors: withVectors)
    }

    /// The values of a field, and how many points have each: the most frequent first.
    /// - Parameters:
    ///   - path: The field, as filters write it. Of an array each different element counts.
    ///   - limit: The most values that are wanted, 1 to 1,048,576.
    ///   - filter: nil: of all points.
    /// - Throws: `.invalidArgument`, `.io`, `.outOfMemory`, `.invalidHandle`.
    public func facet(_ path: String, limit: Int = 10, filter: Condition? = nil) throws(VecStoreError) -> [Facet] {
        try rethrow { () throws(CoreError) in
            var facets: [Facet] = []
            for (value, count) in try core.facet(path, filter: filter?.filterBytes, limit: limit) {
                facets.append(Facet(value: try PayloadValue(json: value), count: count))
            }
            return facets
        }
    }

    /// The different values of a field: booleans, then numbers by their size, then strings by their code points.
    /// - Parameters:
    ///   - path: The field, as filters write it. Of an array each element counts.
    ///   - limit: The most values that are wanted, 1 to 1,048,576: the most frequent ones. `facet` tells how frequent they are.
    ///   - filter: nil: of all points.
    /// - Throws: As `facet`.
    public func distinct(
        _ path: String, limit: Int = 1_048_576, filter: Condition? = nil
    ) throws(VecStoreError) -> [PayloadValue] {
        try facet(path, limit: limit, filter: filter).map(\.value).sorted { $0.isBefore($1) }
    }
}
