// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Values of Redis that this process keeps for a while, so that they need no round trip.
///
/// What this process itself changes is seen at once: a value is only kept if its key was not changed here since it was asked for.
final class LocalValues: @unchecked Sendable {
    // Safety: `changes` is touched under `lock`, within which the table may change.

    private let table: ValueTable
    private let maxBytes: Int
    private let ttl: Int64
    private let lock = Lock()
    /// How often keys were changed, by their hashes: two keys of one place only keep each other from being kept.
    private var changes = [UInt64](repeating: 0, count: 1024)

    init(maxBytes: Int, ttl: Int64) {
        table = ValueTable(maxEntries: nil, maxBytes: maxBytes, nil)
        self.maxBytes = maxBytes
        self.ttl = ttl
    }

    /// Milliseconds of a clock that nobody sets.
    static var now: Int64 { ticks() / 1_000_000 }

    var size: (entries: Int, bytes: Int) {
        table.sweep(now: LocalValues.now)
        return table.size
    }

    func get(_ keys: [[UInt8]]) -> [[UInt8]?] { table.get(keys, now: LocalValues.now) }

    /// What tells later whether a key was changed.
    func mark(_ key: [UInt8]) -> UInt64 { lock.withLock { changes[place(key)] } }

    /// Keeps what Redis said of a key.
    /// - Parameters:
    ///   - left: Milliseconds until its end; nil: it has none.
    ///   - asked: When it was asked for.
    func keep(_ value: NewValue, left: Int64?, asked: Int64, mark: UInt64) {
        let end = end(left: left, asked: asked)
        guard value.size <= maxBytes, end > LocalValues.now else { return }
        lock.withLock { if changes[place(value.key)] == mark { table.put([value], end: end, now: LocalValues.now) } }
    }

    /// Keys are about to be changed.
    /// - Returns: Their marks.
    func beginChanges(_ keys: [[UInt8]]) -> [UInt64] {
        lock.withLock {
            _ = table.remove(keys, now: 0)
            let places = keys.map { place($0) }
            for place in places { changes[place] &+= 1 }
            return places.map { changes[$0] }
        }
    }

    /// Keys were changed. What was asked for until now is not kept any more.
    /// - Parameter value: What a key has now; nil: nothing, or nobody knows.
    func endChanges(_ keys: [[UInt8]], _ marks: [UInt64], left: Int64?, asked: Int64, value: (Int) -> NewValue?) {
        let end = end(left: left, asked: asked)
        lock.withLock {
            _ = table.remove(keys, now: 0)
            let places = keys.map { place($0) }
            // Where another change was made meanwhile, only Redis knows which of them came last.
            let kept = keys.indices.filter { changes[places[$0]] == marks[$0] }.compactMap(value)
            table.put(kept.filter { $0.size <= maxBytes }, end: end, now: LocalValues.now)
            for place in places { changes[place] &+= 1 }
        }
    }

    func clear() {
        lock.withLock {
            for i in changes.indices { changes[i] &+= 1 }
            _ = table.removeAll(now: 0)
        }
    }

    private func end(left: Int64?, asked: Int64) -> Int64 { SemanticCache.end(asked, min(ttl, left ?? ttl)) ?? .max }
    private func place(_ key: [UInt8]) -> Int { Int(UInt(bitPattern: key.hashValue) % UInt(changes.count)) }
}
