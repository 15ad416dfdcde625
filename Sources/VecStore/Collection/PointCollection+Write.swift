// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials
import VecCollection
import VecIndex

extension PointCollection {
    /// Writes points: all of them or, where it throws, none. A point whose id is there is replaced whole: a vector or a payload
    /// that is not given is gone. Where an id comes twice, the last one counts. When it returns the points are found by
    /// every search, and as durable as the collection was opened for.
    /// - Parameter points: Up to 1,048,576, each with at least one vector.
    /// - Throws: `.invalidArgument`, `.unsupported`, `.notFinite`, `.zeroVector`, `.tooLarge`, `.readOnly`, `.io`,
    ///   `.outOfMemory`, `.invalidHandle`.
    /// - Complexity: O(points × (log of points that are there + dimension + bytes of payload)).
    public func upsert(_ points: [Point]) throws(VecStoreError) {
        var names = Set<String>()
        for point in points { names.formUnion(point.vectors.keys) }
        var vectors: [String: Vectors] = [:]
        for name in names { vectors[name] = Vectors(points.map { $0.vectors[name] }) }
        try upsert(points.map(\.id), vectors, payloads: points.map(\.payload), expires: points.map(\.expires))
    }

    /// Writes points with one vector each; else as `upsert` of points.
    /// - Parameters:
    ///   - ids: Up to 1,048,576.
    ///   - vectors: One for each id.
    ///   - payloads: One for each id, nil for a point without one; nil: none has one.
    ///   - expires: From when on each is not found any more, nil where it stays; nil: all stay.
    public func upsert<E: VectorElement>(
        _ ids: [PointID], _ vectors: [[E]], payloads: [Payload?]? = nil, expires: [Date?]? = nil
    ) throws(VecStoreError) {
        try upsert(ids, Vectors(vectors), payloads: payloads, expires: expires)
    }

    /// The same with vectors of any form, such as one flat array, which is not copied.
    public func upsert(
        _ ids: [PointID], _ vectors: Vectors, payloads: [Payload?]? = nil, expires: [Date?]? = nil
    ) throws(VecStoreError) {
        try upsert(ids, ["": vectors], payloads: payloads, expires: expires)
    }

    /// The same with vectors by their names.
    public func upsert(
        _ ids: [PointID], _ vectors: [String: Vectors], payloads: [Payload?]? = nil, expires: [Date?]? = nil
    ) throws(VecStoreError) {
        try rethrow { () throws(CoreError) in
            let count = ids.count
            try checkCount(payloads?.count, "payloads", count)
            try checkCount(expires?.count, "times in expires", count)
            let texts = try payloads.map { (payloads) throws(CoreError) in
                try JoinedBytes(payloads.map { $0?.bytes ?? [] }, for: "the payloads of \(count) points")
            }
            let ends = try expires.map { (expires) throws(CoreError) in try microseconds(expires) }
            try withVectors(vectors, count) { (vectors) throws(CoreError) in
                try (ends ?? []).withUnsafeBufferPointer { (times) throws(CoreError) in
                    try core.upsert(
                        PointBatch(
                            ids: ids.map(\.core), vectors: vectors, payloads: texts?.views,
                            expires: ends == nil ? nil : times.baseAddress))
                }
            }
            withExtendedLifetime(texts) {}
        }
    }

    /// Gives points other vectors, all or none. Their payloads, and vectors of other names, stay.
    /// - Throws: As `upsert`, and `.notFound` where one of the points is not there.
    public func updateVectors<E: VectorElement>(_ ids: [PointID], _ vectors: [[E]]) throws(VecStoreError) {
        try updateVectors(ids, ["": Vectors(vectors)])
    }

    /// The same by the names of the vectors. nil in the place of a vector takes it away; each point keeps at least one.
    public func updateVectors(_ ids: [PointID], _ vectors: [String: Vectors]) throws(VecStoreError) {
        try rethrow { () throws(CoreError) in
            try withVectors(vectors, ids.count) { (vectors) throws(CoreError) in
                try core.updateVectors(ids.map(\.core), vectors)
            }
        }
    }

    /// Removes points. Ids that are not there are passed over.
    /// - Returns: How many there were.
    /// - Throws: `.tooLarge`, `.readOnly`, `.io`, `.outOfMemory`, `.invalidHandle`.
    @discardableResult
    public func remove(_ ids: [PointID]) throws(VecStoreError) -> Int {
        try rethrow { () throws(CoreError) in try core.remove(ids.map(\.core)) }
    }

    /// Removes the points that match a filter.
    /// - Returns: How many there were.
    /// - Throws: `.invalidArgument` for a filter that is not right; else as for ids.
    @discardableResult
    public func remove(filter: Condition) throws(VecStoreError) -> Int {
        try rethrow { () throws(CoreError) in try core.remove(where: filter.filterBytes) }
    }

    // MARK: - Checks

    private func checkCount(_ count: Int?, _ noun: String, _ points: Int) throws(CoreError) {
        if let count, count != points { throw CoreError(.invalidArgument, "there are \(count) \(noun) for \(points) ids") }
    }

    private func microseconds(_ expires: [Date?]) throws(CoreError) -> [Int64] {
        var result: [Int64] = []
        result.reserveCapacity(expires.count)
        for (i, date) in expires.enumerated() {
            guard let date else {
                result.append(0)
                continue
            }
            guard let time = date.microseconds else {
                throw CoreError(.invalidArgument, "expires[\(i)] is no time within 290,000 years of now")
            }
            // 0 stands for no end at all; what ended then has ended a microsecond later, too.
            result.append(time == 0 ? 1 : time)
        }
        return result
    }

    /// Calls `body` with vectors of all names, as many of each as there are ids.
    private func withVectors(
        _ vectors: [String: Vectors], _ count: Int, _ body: ([PointBatch.Vectors]) throws(CoreError) -> Void
    ) throws(CoreError) {
        // In an order of their own, so that the same mistake gets the same message.
        try withVectors(vectors.sorted { $0.key < $1.key }[...], count, [], body)
    }

    private func withVectors(
        _ rest: ArraySlice<(key: String, value: Vectors)>, _ count: Int, _ done: [PointBatch.Vectors],
        _ body: ([PointBatch.Vectors]) throws(CoreError) -> Void
    ) throws(CoreError) {
        guard let (key, vectors) = rest.first else { return try body(done) }
        let name = key.isEmpty ? nil : key
        let noun = key.isEmpty ? "vector" : "'\(key)' vector"
        try vectors.withRows(dimension: core.dimension(of: name), noun: noun) { (rows) throws(CoreError) in
            try checkCount(rows.count, "\(noun)s", count)
            let batch = PointBatch.Vectors(name: name, rows: rows.pointer, type: rows.type, present: rows.present)
            try withVectors(rest.dropFirst(), count, done + [batch], body)
        }
    }
}
