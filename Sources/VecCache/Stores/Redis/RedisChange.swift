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

    var deletes: Bool { if case .delete = self { true } else { false } }

    /// Whether somebody would miss it. Ends that are put off, and ids that are taken out, are a matter of tidiness.
    var matters: Bool {
        switch self {
        case .set, .delete, .setWrong: true
        case .touch, .prune: false
        }
    }

    /// Entries, and bytes, that one command sets: the server does nothing else meanwhile.
    private static let mostTogether = 16, mostBytesTogether = 256 << 10

    /// Commands that make changes in their order, and how many of them each makes.
    static func commands(_ changes: [RedisChange], _ namespace: RedisNamespace) -> [(command: RedisCommand, count: Int)] {
        var commands: [(command: RedisCommand, count: Int)] = []
        var together: [CacheEntry] = []
        var ids = Set<EntryID>()
        var bytes = 0
        func flush() {
            if together.isEmpty { return }
            commands.append((set(together, namespace), together.count))
            together = []
            ids = []
            bytes = 0
        }
        for change in changes {
            guard case .set(let entry) = change else {
                flush()
                commands.append((change.command(namespace), 1))
                continue
            }
            if together.count == mostTogether || bytes + change.bytes > mostBytesTogether || ids.contains(entry.id) { flush() }
            together.append(entry)
            ids.insert(entry.id)
            bytes += change.bytes
        }
        flush()
        return commands
    }

    private static func set(_ entries: [CacheEntry], _ namespace: RedisNamespace) -> RedisCommand {
        var arguments: [[UInt8]] = []
        for entry in entries {
            let values = RedisEntry.values(entry)
            arguments += [Array(entry.id.text.utf8), entry.expires?.redisBytes ?? [], values.count.redisBytes]
            arguments += values
        }
        return namespace.command(RedisScripts.set, entries.map(\.id), arguments)
    }

    private func command(_ namespace: RedisNamespace) -> RedisCommand {
        func command(_ script: RedisScript, _ more: [UInt8]...) -> RedisCommand {
            namespace.command(script, [id], [Array(id.text.utf8)] + more)
        }
        switch self {
        case .set(let entry): return RedisChange.set([entry], namespace)
        case .delete: return command(RedisScripts.delete)
        case .setWrong(_, let vectors): return command(RedisScripts.setWrong, RedisEntry.bytes(ofAll: vectors))
        case .touch(_, let expires): return command(RedisScripts.touch, expires.redisBytes)
        case .prune(_, let now): return command(RedisScripts.prune, now.redisBytes)
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
