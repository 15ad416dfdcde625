// SPDX-License-Identifier: Apache-2.0

import CVecStore
import VecCache
import VecIndex

/// Hits of a cache as the header shows them. All texts end with a zero.
final class CacheHitsBox: @unchecked Sendable {
    // Safety: written by init only.

    let count: Int
    private let hits: Buffer
    private let texts: Buffer

    init(_ found: [CacheHit]) throws(VecStoreError) {
        count = found.count
        hits = try allocate(vecstore_cache_hit.self, found.count, for: "hits")
        let bytes = found.reduce(0) { $0 + $1.prompt.count + $1.response.count + $1.metadata.count + CacheLimits.idDigits + 4 }
        texts = try allocate(UInt8.self, bytes, for: "hits")
        var used = 0
        func keep(_ bytes: [UInt8]) -> UnsafePointer<CChar> {
            let start = texts.pointer(UInt8.self) + used
            bytes.withUnsafeBufferPointer { bytes in
                if let base = bytes.baseAddress { start.update(from: base, count: bytes.count) }
            }
            start[bytes.count] = 0
            used += bytes.count + 1
            return UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self)
        }
        for (i, one) in found.enumerated() {
            var hit = vecstore_cache_hit()
            hit.tier = one.tier == .exact ? UInt32(VECSTORE_CACHE_TIER_EXACT) : UInt32(VECSTORE_CACHE_TIER_SEMANTIC)
            hit.id = keep(Array(one.id.text.utf8))
            hit.prompt = keep(one.prompt)
            hit.prompt_size = one.prompt.count
            hit.response = keep(one.response)
            hit.response_size = one.response.count
            hit.metadata = one.metadata.isEmpty ? nil : keep(one.metadata)
            hit.created = one.created
            hit.expires = one.expires ?? 0
            hit.similarity = one.similarity
            hits.pointer(vecstore_cache_hit.self)[i] = hit
        }
    }

    func hit(_ i: Int) throws(VecStoreError) -> vecstore_cache_hit {
        guard i >= 0 && i < count else {
            throw VecStoreError(.notFound, "there is no hit \(UInt(bitPattern: i)): there are \(count), counted from 0")
        }
        return hits.pointer(vecstore_cache_hit.self)[i]
    }
}
