// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// An entry as the payload of a point, its id and vector apart.
enum StoredPayload {
    static func encode(_ entry: CacheEntry) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        write(entry.prompt, "prompt", &json)
        write(entry.response ?? [], "response", &json)
        if !entry.metadata.isEmpty {
            json.key("metadata")
            json.raw(entry.metadata)
        }
        json.key("created")
        json.integer(entry.created)
        if let expires = entry.expires {
            json.key("expires")
            json.integer(expires)
        }
        if let ttl = entry.ttl {
            json.key("ttl")
            json.integer(ttl)
        }
        json.key("cost")
        json.real(Double(entry.cost))
        if !entry.negatives.isEmpty { write(entry.negatives, &json) }
        json.endObject()
        return json.bytes
    }

    /// What replaces the negatives of a payload.
    static func encode(negatives: [[Float]]) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        write(negatives, &json)
        json.endObject()
        return json.bytes
    }

    /// What replaces the end in a payload.
    static func encode(expires: Int64) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("expires")
        json.integer(expires)
        json.endObject()
        return json.bytes
    }

    /// As text where it is text, and where that is not much longer than base64.
    private static func write(_ bytes: [UInt8], _ key: String, _ json: inout JSONWriter) {
        var size = 0
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): size += 2
            // JSON has no way to say NUL that all parsers take.
            case 0: size = Int.max / 2
            case 1..<0x20: size += 6
            default: size += 1
            }
            if size > Base64.size(bytes.count) + 64 { break }
        }
        if size <= Base64.size(bytes.count) + 64, let text = String(validating: bytes, as: UTF8.self) {
            json.key(key)
            json.string(text)
        } else {
            json.key(key + "_base64")
            json.string(String(decoding: Base64.encode(bytes), as: UTF8.self))
        }
    }

    private static func write(_ negatives: [[Float]], _ json: inout JSONWriter) {
        json.key("negatives")
        json.beginArray()
        for negative in negatives {
            let bytes = negative.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
            json.string(String(decoding: Base64.encode(bytes), as: UTF8.self))
        }
        json.endArray()
    }

    // MARK: - Reading

    /// nil where the point is no entry.
    static func decode(_ point: Point, vector: [Float]) throws(VecStoreError) -> CacheEntry? {
        guard case .text(let text) = point.id, let id = EntryID(text: text) else { return nil }
        return try point.payload.withUnsafeBufferPointer { bytes throws(VecStoreError) in
            let document = try checkPayload(bytes)
            defer { withExtendedLifetime(document) {} }
            let root = document.root
            guard let prompt = read(root, "prompt"), let response = read(root, "response"),
                let created = root.member("created".utf8)?.integer
            else { return nil }
            var entry = CacheEntry(id: id, prompt: prompt, response: response, vector: vector, created: created)
            entry.expires = root.member("expires".utf8)?.integer
            entry.ttl = root.member("ttl".utf8)?.integer
            entry.cost = Float(root.member("cost".utf8)?.number?.rounded ?? 1)
            if let metadata = root.member("metadata".utf8) { entry.metadata = Metadata.canonical(metadata) }
            let negatives = root.member("negatives".utf8).map { Array($0.elements) } ?? []
            for negative in negatives {
                guard let bytes = negative.bytes, let floats = floats(Base64.decode(bytes)), floats.count == vector.count else {
                    return nil
                }
                entry.negatives.append(floats)
            }
            return entry
        }
    }

    private static func read(_ root: JSONValue, _ key: String) -> [UInt8]? {
        if let text = root.member(key.utf8)?.bytes { return Array(text) }
        return root.member("\(key)_base64".utf8)?.bytes.flatMap { Base64.decode($0) }
    }

    private static func floats(_ bytes: [UInt8]?) -> [Float]? {
        guard let bytes, bytes.count % 4 == 0 else { return nil }
        return stride(from: 0, to: bytes.count, by: 4).map { place in
            Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) })
        }
    }
}
