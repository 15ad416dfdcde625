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
}
