// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What a table knows of an entry, its vector apart, which lies in the index. Only its use and its end change: so whoever has
/// it needs no lock.
final class EntryRecord: Sendable {
    let id: EntryID
    /// Where it lies in the index, and its bit in filters.
    let number: UInt32
    /// Records get ascending ones: whoever began before knows a later one by it.
    let serial: UInt64
    let hasResponse: Bool
    let created: Int64
    let ttl: Int64?
    let cost: Float
    let negatives: [[Float]]

    /// The prompt, the response and the metadata, one after the other: one piece of memory instead of three.
    private let bytes: [UInt8]
    private let promptEnd: Int
    private let responseEnd: Int

    /// Milliseconds since 1970; `never`: it has no end.
    private let end: Atomic<Int64>
    private let uses = Atomic<UInt32>(1)
    private let lastUse: Atomic<UInt64>
    /// The inflation of the eviction queue when it was last used, as bits.
    private let inflation: Atomic<UInt64>

    static let never = Int64.max

    init(_ entry: CacheEntry, number: UInt32, serial: UInt64, use: UInt64, inflation: Double) {
        id = entry.id
        self.number = number
        self.serial = serial
        hasResponse = entry.response != nil
        created = entry.created
        ttl = entry.ttl
        cost = entry.cost
        negatives = entry.negatives
        let response = entry.response ?? []
        promptEnd = entry.prompt.count
        responseEnd = promptEnd + response.count
        var bytes: [UInt8] = []
        bytes.reserveCapacity(responseEnd + entry.metadata.count)
        bytes += entry.prompt
        bytes += response
        bytes += entry.metadata
        self.bytes = bytes
        end = Atomic(entry.expires ?? EntryRecord.never)
        lastUse = Atomic(use)
        self.inflation = Atomic(inflation.bitPattern)
    }

    /// The same entry with other negatives.
    init(_ old: EntryRecord, negatives: [[Float]]) {
        id = old.id
        number = old.number
        serial = old.serial
        hasResponse = old.hasResponse
        created = old.created
        ttl = old.ttl
        cost = old.cost
        self.negatives = negatives
        bytes = old.bytes
        promptEnd = old.promptEnd
        responseEnd = old.responseEnd
        end = Atomic(old.end.load(ordering: .relaxed))
        lastUse = Atomic(old.lastUse.load(ordering: .relaxed))
        inflation = Atomic(old.inflation.load(ordering: .relaxed))
        uses.store(old.uses.load(ordering: .relaxed), ordering: .relaxed)
    }

    var prompt: ArraySlice<UInt8> { bytes[..<promptEnd] }
    var response: ArraySlice<UInt8> { bytes[promptEnd..<responseEnd] }
    var metadata: ArraySlice<UInt8> { bytes[responseEnd...] }

    func hasPrompt(_ other: [UInt8]) -> Bool { other.count == promptEnd && prompt.elementsEqual(other) }

    /// Calls `body` with the metadata, without a copy.
    func withMetadata<R, E: Error>(_ body: (UnsafeBufferPointer<UInt8>) throws(E) -> R) throws(E) -> R {
        try bytes.withUnsafeBufferPointer { all throws(E) in try body(UnsafeBufferPointer(rebasing: all[responseEnd...])) }
    }

    // MARK: - Its end

    var expires: Int64? {
        let end = end.load(ordering: .relaxed)
        return end == EntryRecord.never ? nil : end
    }

    func setExpires(_ time: Int64?) { end.store(time ?? EntryRecord.never, ordering: .relaxed) }

    func isExpired(at now: Int64) -> Bool { end.load(ordering: .relaxed) <= now }

    // MARK: - Its use

    /// Bytes of prompt, response and metadata.
    var contentBytes: Int { bytes.count }

    func noteUse(_ use: UInt64, inflation: Double) {
        uses.add(1, ordering: .relaxed)
        lastUse.store(use, ordering: .relaxed)
        self.inflation.store(inflation.bitPattern, ordering: .relaxed)
    }

    /// The least goes first: what it is worth to keep, and among equals when it was last used.
    func priority(_ policy: EvictionPolicy, _ size: EntrySize) -> (value: Double, use: UInt64) {
        let use = lastUse.load(ordering: .relaxed)
        let base = Double(bitPattern: inflation.load(ordering: .relaxed))
        let count = Double(uses.load(ordering: .relaxed))
        switch policy {
        case .lru: return (0, use)
        case .lfu: return (base + count, use)
        case .cost: return (base + count * Double(cost) / Double(size.bytes(self)), use)
        }
    }
}
