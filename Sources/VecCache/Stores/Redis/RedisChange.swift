// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// A change on its way to Redis.
enum RedisChange: Sendable {
    case set(CacheEntry)
    case delete(EntryID)
    case setWrong(EntryID, [[Float]])
    case touch(EntryID, expires: Int64)
    /// The end of an entry has come: it goes from the ids.
    case prune(EntryID, now: Int64)

    var id: EntryID {
        switch self {
        case .set(let entry): entry.id
        case .delete(let id), .setWrong(let id, _), .touch(let id, _), .prune(let id, _): id
        }
    }

    /// Whether somebody would miss it. Ends that are put off, and ids that are taken out, are a matter of tidiness.
    var matters: Bool {
        switch self {
        case .set, .delete, .setWrong: true
        case .touch, .prune: false
        }
    }

    func command(_ namespace: RedisNamespace) -> RedisCommand {
        switch self {
        case .set(let entry):
            let end = entry.expires.map { Array(String($0).utf8) } ?? []
            return namespace.command(RedisScripts.set, entry.id, [end] + RedisEntry.values(entry))
        case .delete(let id): return namespace.command(RedisScripts.delete, id, [])
        case .setWrong(let id, let vectors):
            return namespace.command(RedisScripts.setWrong, id, [RedisEntry.bytes(ofAll: vectors)])
        case .touch(let id, let expires): return namespace.command(RedisScripts.touch, id, [Array(String(expires).utf8)])
        case .prune(let id, let now): return namespace.command(RedisScripts.prune, id, [Array(String(now).utf8)])
        }
    }

    /// About how many bytes go to the server.
    var bytes: Int {
        switch self {
        case .set(let entry): entry.prompt.count + (entry.response?.count ?? 0) + 4 * entry.vector.count + entry.metadata.count + 512
        case .setWrong(_, let vectors): vectors.reduce(512) { $0 + 4 * $1.count }
        case .delete, .touch, .prune: 512
        }
    }
}

/// The changes of one call, which waits for all of them.
final class RedisBatch: @unchecked Sendable {
    // Safety: all is touched under the lock of the writer.

    /// Changes of which nobody knows yet whether they were made.
    var left: Int
    /// Entries of the table that were removed.
    var count = 0
    /// Why one was not made.
    var failure: VecStoreError?
    /// The call goes on: what is left is made later.
    var isReleased = false

    init(_ left: Int) { self.left = left }

    var isOver: Bool { left <= 0 || isReleased }
}
