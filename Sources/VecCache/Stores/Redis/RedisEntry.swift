// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// An entry as a hash of Redis has it. What is in it is checked as it is read: anybody may have written it.
enum RedisEntry {
    /// What is read of an entry, in the order of the replies.
    private static let fields = ["prompt", "vector", "metadata", "created", "expires", "ttl", "cost", "wrong"]
    private static let response = "response"

    /// Names and values, one after the other.
    static func values(_ entry: CacheEntry) -> [[UInt8]] {
        var values: [[UInt8]] = []
        func add(_ name: String, _ value: [UInt8]) { values += [Array(name.utf8), value] }
        add("prompt", entry.prompt)
        add(response, entry.response ?? [])
        add("vector", bytes(of: entry.vector))
        if !entry.metadata.isEmpty { add("metadata", entry.metadata) }
        add("created", Array(String(entry.created).utf8))
        if let expires = entry.expires { add("expires", Array(String(expires).utf8)) }
        if let ttl = entry.ttl { add("ttl", Array(String(ttl).utf8)) }
        if entry.cost != 1 { add("cost", Array(String(entry.cost).utf8)) }
        if !entry.negatives.isEmpty { add("wrong", bytes(ofAll: entry.negatives)) }
        return values
    }

    /// Asks for an entry.
    /// - Parameter withResponse: Whether for its response too.
    static func read(_ key: [UInt8], withResponse: Bool) -> RedisCommand {
        let names = withResponse ? fields + [response] : fields
        return RedisCommand([Array("HMGET".utf8), key] + names.map { Array($0.utf8) })
    }

    /// Asks for the response of an entry, and when that ends.
    static func readResponse(_ key: [UInt8]) -> RedisCommand {
        RedisCommand("HMGET", key, response, "expires")
    }

    /// nil: there is no such entry.
    static func response(_ reply: RedisReply) throws(VecStoreError) -> FetchedEntry? {
        guard let values = try reply.checked().array, values.count == 2, let response = values[0].bytes else { return nil }
        return FetchedEntry(response: response, expires: values[1].integer)
    }

    /// The entry that was read; nil: there is none, or none of ours.
    static func entry(_ id: EntryID, _ reply: RedisReply, dimension: Int) -> CacheEntry? {
        guard let values = reply.array, values.count >= fields.count, let prompt = values[0].bytes,
            let vectorBytes = values[1].bytes, (1...CacheLimits.promptBytes).contains(prompt.count),
            let vector = vectors(vectorBytes, dimension)?.first, vectorBytes.count == 4 * dimension,
            let unit = try? UnitVector.restore(vector, dimension: dimension),
            let metadata = try? Metadata.canonical(values[2].bytes ?? [])
        else { return nil }
        let negatives = values[7].bytes.flatMap { vectors($0, dimension) } ?? []
        let cost = values[6].text.flatMap { Float($0) } ?? 1
        return CacheEntry(
            id: id, prompt: prompt, response: values.count > fields.count ? values[fields.count].bytes ?? [] : nil, vector: unit,
            metadata: metadata, created: values[3].integer ?? 0, expires: values[4].integer, ttl: values[5].integer,
            cost: cost.isFinite && cost >= 0 ? cost : 1,
            negatives: negatives.suffix(CacheLimits.negatives).compactMap { try? UnitVector.restore($0, dimension: dimension) })
    }

    // MARK: - Vectors: float32, the least byte first

    static func bytes(of vector: [Float]) -> [UInt8] {
        vector.withUnsafeBytes { Array($0) }
    }

    static func bytes(ofAll vectors: [[Float]]) -> [UInt8] { vectors.flatMap { bytes(of: $0) } }

    private static func vectors(_ bytes: [UInt8], _ dimension: Int) -> [[Float]]? {
        let size = 4 * dimension
        guard size > 0, bytes.count % size == 0 else { return nil }
        return bytes.withUnsafeBytes { raw in
            (0..<(bytes.count / size)).map { i in
                (0..<dimension).map { Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: i * size + 4 * $0, as: UInt32.self))) }
            }
        }
    }
}
