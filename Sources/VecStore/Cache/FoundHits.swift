// SPDX-License-Identifier: Apache-2.0

import VecCollection

/// Hits of searches as bytes, for a value cache.
enum FoundHits {
    static func encode(_ found: [[PointCollection.Hit]]) -> [UInt8] {
        var writer = ByteWriter()
        writer.add(found.count)
        for hits in found {
            writer.add(hits.count)
            for hit in hits { add(hit, &writer) }
        }
        return writer.bytes
    }

    private static func add(_ hit: PointCollection.Hit, _ writer: inout ByteWriter) {
        writer.add(hit.id.number) { $0.add($1) }
        if hit.id.number == nil { writer.add(hit.id.text ?? "") }
        writer.add(hit.distance) { $0.add($1) }
        writer.add(hit.score)
        writer.add(hit.payload) { $0.add(part: $1.bytes) }
        writer.add(hit.vector) { $0.add(elements: $1) }
    }

    /// nil for what `encode` has not made.
    static func decode(_ value: [UInt8]) -> [[PointCollection.Hit]]? {
        var reader = ByteReader(value)
        guard let count = reader.count() else { return nil }
        var found: [[PointCollection.Hit]] = []
        // Memory grows with what is there, not with what the counts say.
        while found.count < count {
            guard let hits = hits(&reader) else { return nil }
            found.append(hits)
        }
        return reader.isAtEnd ? found : nil
    }

    private static func hits(_ reader: inout ByteReader) -> [PointCollection.Hit]? {
        guard let count = reader.count() else { return nil }
        var hits: [PointCollection.Hit] = []
        while hits.count < count {
            guard let hit = hit(&reader) else { return nil }
            hits.append(hit)
        }
        return hits
    }

    private static func hit(_ reader: inout ByteReader) -> PointCollection.Hit? {
        guard let id = id(&reader), let distance = optional(&reader, { $0.float() }), let score = reader.float(),
            let payload = optional(&reader, { $0.part() }), let vector = optional(&reader, { $0.floats() })
        else { return nil }
        return PointCollection.Hit(
            id: id, distance: distance, score: score, payload: payload.map { Payload(json: $0) }, vector: vector)
    }

    private static func id(_ reader: inout ByteReader) -> PointID? {
        guard let isNumber = reader.flag() else { return nil }
        if isNumber { return reader.number().map { PointID($0) } }
        return reader.part().flatMap { String(validating: $0, as: UTF8.self) }.map { PointID($0) }
    }

    /// A part that may be missing; nil where not even that can be read.
    private static func optional<Part>(_ reader: inout ByteReader, _ read: (inout ByteReader) -> Part?) -> Part?? {
        guard let isThere = reader.flag() else { return nil }
        if !isThere { return .some(nil) }
        return read(&reader).map { .some($0) }
    }
}
