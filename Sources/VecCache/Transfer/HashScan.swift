// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// A key that was found, and what it holds.
struct FoundHash {
    enum Content {
        case fields([(name: [UInt8], value: [UInt8])])
        /// There is something else than a hash.
        case refused(VecStoreError)
    }

    let key: [UInt8]
    let content: Content
    /// When it ends, in microseconds since 1970; 0: never.
    let expires: Int64
}

/// Reads the hashes whose keys match a pattern, on all servers of a cluster.
struct HashScan {
    private let client: RedisClient
    private let pattern: [UInt8]
    /// The fields that are read; nil: all.
    private let fields: [[UInt8]]?

    /// Keys that a server looks at between two replies.
    private static let keysAtATime = 1000
    /// Hashes, and bytes of them, that are read in one pipeline.
    private static let mostHashes = 256, mostBytes = 8 << 20

    init(_ client: RedisClient, pattern: [UInt8], fields: [[UInt8]]?) {
        self.client = client
        self.pattern = pattern
        self.fields = fields
    }

    /// Keys that there are, whatever the pattern; 0 where that cannot be asked.
    func countKeys() throws(VecStoreError) -> Int {
        var total = 0
        for server in try client.keyServers() {
            guard case .integer(let count)? = try? client.ask(server, RedisCommand("DBSIZE", keyIndex: nil)) else { return 0 }
            total &+= Int(clamping: count)
        }
        return total
    }

    /// Calls `body` with what was found, some at a time. A key may come twice.
    func forEach(_ body: ([FoundHash]) throws(VecStoreError) -> Void) throws(VecStoreError) {
        // Servers that come meanwhile have keys of those that were there.
        var done = Set<RedisAddress>()
        while let server = try client.keyServers().first(where: { !done.contains($0) }) {
            try scan(server, body)
            done.insert(server)
        }
    }

    private func scan(_ server: RedisAddress, _ body: ([FoundHash]) throws(VecStoreError) -> Void) throws(VecStoreError) {
        var cursor = Array("0".utf8), count = HashScan.mostHashes
        repeat {
            let reply = try client.ask(
                server, RedisCommand("SCAN", cursor, "MATCH", pattern, "COUNT", HashScan.keysAtATime, keyIndex: nil))
            guard let parts = reply.array, parts.count == 2, let next = parts[0].bytes, let found = parts[1].array else {
                throw VecStoreError(.io, "Redis at \(server) answered SCAN with what is no list of keys")
            }
            let keys = found.compactMap(\.bytes)
            var from = 0
            while from < keys.count {
                let some = Array(keys[from..<min(from + count, keys.count)])
                let hashes = try read(some)
                try body(hashes)
                from += some.count
                // How large hashes are shows only when they are there.
                let bytes = hashes.reduce(0) { $0 &+ HashScan.bytes($1) }
                count = max(1, min(HashScan.mostHashes, HashScan.mostBytes / max(bytes / some.count, 1)))
            }
            cursor = next
        } while cursor != Array("0".utf8)
    }

    private static func bytes(_ hash: FoundHash) -> Int {
        guard case .fields(let fields) = hash.content else { return 0 }
        return fields.reduce(0) { $0 &+ $1.name.count &+ $1.value.count }
    }

    /// What keys hold now; those that are gone are left out.
    private func read(_ keys: [[UInt8]]) throws(VecStoreError) -> [FoundHash] {
        // Before it is asked how long they live: what ends a moment early is never served too long.
        let now = wallClock()
        var commands: [RedisCommand] = []
        for key in keys {
            commands.append(RedisCommand(fields.map { [Array("HMGET".utf8), key] + $0 } ?? [Array("HGETALL".utf8), key]))
            commands.append(RedisCommand("PTTL", key))
        }
        let replies = try client.pipeline(commands)
        guard replies.count == commands.count else { throw VecStoreError(.internalError, "a reply of Redis got lost") }
        var found: [FoundHash] = []
        for (i, key) in keys.enumerated() {
            let left = try replies[2 * i + 1].checked().integer ?? -2
            // -2: there is no such key, -1: it has no end.
            if left == -2 { continue }
            let end = left < 0 ? 0 : HashScan.microseconds(now, left)
            if case .error(let failure) = replies[2 * i] {
                guard failure.word == "WRONGTYPE" else { throw failure.error }
                let reason = VecStoreError(.invalidArgument, "it holds no hash")
                found.append(FoundHash(key: key, content: .refused(reason), expires: end))
                continue
            }
            let content = pairs(replies[2 * i])
            // A hash has a field at least: this one was gone when it was asked for all.
            if fields == nil && content.isEmpty { continue }
            found.append(FoundHash(key: key, content: .fields(content), expires: end))
        }
        return found
    }

    private static func microseconds(_ now: Int64, _ left: Int64) -> Int64 {
        let (end, isBeyond) = now.addingReportingOverflow(left)
        let (micros, isBeyondToo) = end.multipliedReportingOverflow(by: 1000)
        return isBeyond || isBeyondToo ? 0 : micros
    }

    /// Fields that are not there have no pair.
    private func pairs(_ reply: RedisReply) -> [(name: [UInt8], value: [UInt8])] {
        let values = reply.array ?? []
        if let fields { return zip(fields, values).compactMap { name, value in value.bytes.map { (name, $0) } } }
        return stride(from: 0, to: values.count - 1, by: 2).compactMap { i in
            values[i].bytes.flatMap { name in values[i + 1].bytes.map { (name, $0) } }
        }
    }
}
