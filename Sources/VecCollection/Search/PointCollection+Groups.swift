// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

/// Hits that have the same value of a field.
package struct HitGroup: Sendable {
    /// As JSON.
    package var value: [UInt8]
    /// Best first.
    package var hits: [Hit]
}

extension PointCollection {
    /// The nearest points by the values of a field: of the nearest `groups` values the nearest `groupSize` points each. A point whose
    /// field is an array is in a group for each element; one without the field is in none.
    func findGroups(
        _ query: UnsafeRawPointer, type: ElementType, by path: String, groups: Int, groupSize: Int, _ options: VectorSearchOptions
    ) throws(VecStoreError) -> [HitGroup] {
        let path = try PayloadPath(path, name: "group_by")
        guard groups >= 1, groupSize >= 1, groups <= Limits.k / groupSize else {
            throw VecStoreError(
                .invalidArgument, "groups and group_size are \(groups) and \(groupSize): allowed are 1 and more, together up to \(Limits.k)")
        }
        try options.check()
        _ = try checkedReach(1, offset: options.offset)
        let place = try vector(options.vectorName)
        let query = QueryVectors(pointer: query, type: type, count: 1)
        let most = Limits.k - options.offset
        let options = try withRecall(
            options, k: options.width(min(4 * groups * groupSize, most) + options.offset), place)
        return try vectorMoment(options, place) { (state, database, wanted) throws(VecStoreError) in
            // Wider and wider until the groups are full, or there are no more points.
            var k = min(4 * groups * groupSize, most)
            while true {
                let reach = k + options.offset
                var hits = try nearest(query, k: options.width(reach), options, state, wanted, place)
                hits[0] = try chosen(hits[0], reach, options, place, state.store)
                options.trace?.groupRounds.append(hits[0].count)
                try options.trace.timed(.payloads) { () throws(VecStoreError) in
                    try complete(
                        &hits, database, state.store, place: place, withPayload: true, withVector: options.withVector)
                }
                let found = try grouped(hits[0], path, groups: groups, groupSize: groupSize)
                let isFull = found.count == groups && found.allSatisfy { $0.hits.count == groupSize }
                if isFull || hits[0].count < k || k == most {
                    options.trace?.hitCount = found.reduce(0) { $0 + $1.hits.count }
                    return options.withPayload ? found : found.map(HitGroup.withoutPayloads)
                }
                k = min(4 * k, most)
            }
        }
    }

    private func grouped(
        _ hits: [Hit], _ path: PayloadPath, groups: Int, groupSize: Int
    ) throws(VecStoreError) -> [HitGroup] {
        var places: [[UInt8]: Int] = [:]
        var found: [HitGroup] = []
        for hit in hits {
            guard let payload = hit.payload, !payload.isEmpty else { continue }
            for value in try groupValues(payload, path) {
                if let place = places[value] {
                    if found[place].hits.count < groupSize { found[place].hits.append(hit) }
                } else if found.count < groups {
                    places[value] = found.count
                    found.append(HitGroup(value: value, hits: [hit]))
                }
            }
        }
        return found
    }

    /// The values of a payload at a path that a group can have, each once, as JSON.
    func groupValues(_ payload: [UInt8], _ path: PayloadPath) throws(VecStoreError) -> [[UInt8]] {
        try payload.withUnsafeBufferPointer { bytes throws(VecStoreError) in
            let document = try checkPayload(bytes)
            var values: [[UInt8]] = []
            path.forEachValue(in: document.root) { value in
                for part in value.kind == .array ? Array(value.elements) : [value] {
                    switch part.kind {
                    case .null, .array, .object: continue
                    default:
                        var writer = JSONWriter()
                        part.write(to: &writer)
                        if !values.contains(writer.bytes) { values.append(writer.bytes) }
                    }
                }
                return false
            }
            return values
        }
    }
}

extension HitGroup {
    fileprivate static func withoutPayloads(_ group: HitGroup) -> HitGroup {
        var group = group
        for i in group.hits.indices { group.hits[i].payload = nil }
        return group
    }
}
