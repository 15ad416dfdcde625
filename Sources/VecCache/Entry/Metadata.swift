// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// The metadata of an entry: a JSON object in one form, so that what means the same is the same bytes.
enum Metadata {
    private static let rules = JSONRules(noun: "metadata", bytes: CollectionLimits.payloadBytes, depth: 32)

    static func parse(_ bytes: UnsafeBufferPointer<UInt8>) throws(VecStoreError) -> JSONDocument {
        let document = try JSONDocument(bytes, rules)
        guard document.root.kind == .object else {
            throw VecStoreError(.invalidArgument, "metadata: \(document.root.kind.name), where an object is expected")
        }
        return document
    }

    /// With keys in the order of their bytes and no white space; empty for an empty object.
    static func canonical(_ bytes: [UInt8]) throws(VecStoreError) -> [UInt8] {
        if bytes.isEmpty { return [] }
        let canonical = try bytes.withUnsafeBufferPointer { text throws(VecStoreError) in
            let document = try parse(text)
            defer { withExtendedLifetime(document) {} }
            return document.root.count == 0 ? [] : self.canonical(document.root)
        }
        guard canonical.count <= CacheLimits.metadataBytes else {
            throw VecStoreError(
                .tooLarge, "metadata has \(canonical.count) bytes: allowed are \(CacheLimits.metadataBytes)")
        }
        return canonical
    }

    static func canonical(_ value: JSONValue) -> [UInt8] {
        var writer = JSONWriter()
        write(value, &writer)
        return writer.bytes
    }

    /// Documents are no deeper than the rules allow, so this may recurse.
    private static func write(_ value: JSONValue, _ writer: inout JSONWriter) {
        switch value.kind {
        case .null: writer.null()
        case .bool: writer.bool(value.bool ?? false)
        case .integer: writer.integer(value.integer ?? 0)
        case .unsigned: writer.integer(value.unsigned ?? 0)
        case .real: writer.real(value.real ?? 0)
        case .string: writer.string(value.string ?? "")
        case .array:
            writer.beginArray()
            for element in value.elements { write(element, &writer) }
            writer.endArray()
        case .object:
            writer.beginObject()
            for (key, member) in value.members.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                writer.key(String(decoding: key, as: UTF8.self))
                write(member, &writer)
            }
            writer.endObject()
        }
    }
}
