// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// Values that live in Redis as plain strings, which end by themselves; see `ValueNames`.
final class RedisValues: ValueStore {
    private let client: RedisClient
    private let names: ValueNames
    private let local: LocalValues?
    private let failsOpen: Bool
    private let counters: ValueCounters
    private let clock: WallClock

    /// Commands of one pipeline, and bytes of what they set.
    private static let portion = 4096
    private static let portionBytes = 8 << 20
    /// A ttl from which on there is none: Redis adds it to its clock.
    private static let forever: Int64 = 1 << 52

    /// - Throws: What stands in the way of reading, but for a server that is away where the cache fails open.
    init(_ url: RedisURL, _ options: ValueCacheOptions, _ counters: ValueCounters, clock: @escaping WallClock) throws(VecStoreError) {
        client = try RedisClient(url, options.redis)
        names = ValueNames(namespace: options.namespace)
        local = options.localBytes > 0 ? LocalValues(maxBytes: options.localBytes, ttl: options.localTTL) : nil
        failsOpen = options.failsOpen
        self.counters = counters
        self.clock = clock
        do throws(VecStoreError) {
            _ = try client.execute(RedisCommand("GET", names.name([0])))
        } catch {
            guard error.code == .unavailable, failsOpen else {
                client.close()
                throw error
            }
            counters.failure.note(error, at: clock())
        }
    }

    // MARK: - Reading

    func get(_ keys: [[UInt8]]) throws(VecStoreError) -> [[UInt8]?] {
        guard let local else {
            let replies = try run(keys.map { RedisCommand("GET", names.name($0)) }, sizes: nil)
            var values: [[UInt8]?] = []
            values.reserveCapacity(keys.count)
            for (key, reply) in zip(keys, replies) { values.append(try value(reply, of: key)) }
            return values
        }
        var values = local.get(keys)
        let missing = keys.indices.filter { values[$0] == nil }
        counters.localHits.add(keys.count - missing.count, ordering: .relaxed)
        if missing.isEmpty { return values }
        let marks = missing.map { local.mark(keys[$0]) }
        let asked = LocalValues.now
        let commands = missing.map { RedisCommand(RedisValues.read, keys: [names.name(keys[$0])], arguments: [], isRepeatable: true) }
        let replies = try run(commands, sizes: nil)
        for (i, (place, reply)) in zip(missing, replies).enumerated() {
            let pair = reply.array ?? []
            guard let found = try value(pair.first ?? reply, of: keys[place]) else { continue }
            values[place] = found
            let left = pair.count > 1 ? pair[1].integer ?? 0 : 0
            local.keep(NewValue(key: keys[place], value: found), left: left < 0 ? nil : left, asked: asked, mark: marks[i])
        }
        return values
    }

    /// A value and how long it will be there, as of one moment.
    private static let read = RedisScript("return {redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])}")

    private func value(_ reply: RedisReply, of key: [UInt8]) throws(VecStoreError) -> [UInt8]? {
        switch reply {
        case .bytes(let stored): return names.value(stored, of: key)
        case .error(let failure):
            guard failure.code == .unavailable && failsOpen else { throw failure.error }
            counters.unanswered.add(1, ordering: .relaxed)
            return nil
        default: return nil
        }
    }

    // MARK: - Writing

    func set(_ values: [NewValue], ttl: Int64?) throws(VecStoreError) {
        let marks = local?.beginChanges(values.map(\.key))
        let asked = LocalValues.now
        var commands: [RedisCommand] = []
        commands.reserveCapacity(values.count)
        for value in values {
            let name = names.name(value.key), stored = names.stored(value)
            if let ttl, ttl < RedisValues.forever {
                commands.append(RedisCommand("SET", name, stored, "PX", ttl, isRepeatable: true))
            } else {
                commands.append(RedisCommand("SET", name, stored))
            }
        }
        var replies: [RedisReply] = []
        defer {
            if let local, let marks {
                local.endChanges(values.map(\.key), marks, left: ttl, asked: asked) { i in
                    replies.indices.contains(i) && replies[i] == .simple("OK") ? values[i] : nil
                }
            }
        }
        replies = try run(commands, sizes: values.map(\.size))
        for case .error(let failure) in replies {
            guard failure.code == .unavailable && failsOpen else { throw failure.error }
            counters.dropped.add(1, ordering: .relaxed)
        }
    }

    /// A deletion that cannot be made is an error, whatever the cache does while Redis is away: the values would come back.
    func delete(_ keys: [[UInt8]]) throws(VecStoreError) -> Int {
        let marks = local?.beginChanges(keys)
        defer { if let local, let marks { local.endChanges(keys, marks, left: nil, asked: 0) { _ in nil } } }
        let replies = try run(keys.map { RedisCommand("DEL", names.name($0)) }, sizes: nil)
        return try RedisValues.deleted(replies)
    }

    /// Looks at all keys of the database. Each of its steps ends by the time-out, all of them together may take longer.
    func clear() throws(VecStoreError) -> Int {
        local?.clear()
        defer { local?.clear() }
        var count = 0
        for address in try client.keyServers() {
            var cursor = Array("0".utf8)
            repeat {
                let scan = RedisCommand("SCAN", cursor, "MATCH", names.pattern, "COUNT", RedisValues.scanCount, keyIndex: nil)
                let reply = try client.ask(address, scan)
                guard let parts = reply.array, parts.count == 2, let next = parts[0].bytes, let found = parts[1].array else {
                    throw VecStoreError(.io, "Redis answered to SCAN with something else")
                }
                cursor = next
                let gone = found.compactMap(\.bytes).filter { names.isName($0) }
                if !gone.isEmpty { count += try RedisValues.deleted(client.pipeline(gone.map { RedisCommand("UNLINK", $0) })) }
            } while cursor != Array("0".utf8)
        }
        return count
    }

    private static let scanCount = 1000

    /// Keys that there were, of commands that delete one each: whatever number a server says.
    private static func deleted(_ replies: [RedisReply]) throws(VecStoreError) -> Int {
        var count = 0
        for reply in replies where try reply.checked().integer ?? 0 > 0 { count += 1 }
        return count
    }

    // MARK: - Asking

    /// Sends commands in pipelines of some size, all of them within one time-out.
    private func run(_ commands: [RedisCommand], sizes: [Int]?) throws(VecStoreError) -> [RedisReply] {
        let deadline = Deadline(milliseconds: client.options.commandTimeout)
        var replies: [RedisReply] = []
        replies.reserveCapacity(commands.count)
        var start = 0
        while start < commands.count {
            var end = start, bytes = 0
            while end < commands.count, end == start || end - start < RedisValues.portion && bytes < RedisValues.portionBytes {
                bytes += sizes?[end] ?? 0
                end += 1
            }
            if start > 0 && deadline.hasPassed {
                let late = RedisFailure(VecStoreError(.unavailable, "the time-out was over before all of the call was sent to Redis"))
                replies += repeatElement(.error(late), count: commands.count - start)
                break
            }
            replies += try client.run(Array(commands[start..<end]), until: deadline)
            start = end
        }
        note(replies)
        return replies
    }

    private func note(_ replies: [RedisReply]) {
        var last: VecStoreError?
        for case .error(let failure) in replies { last = failure.error }
        if let last { counters.failure.note(last, at: clock()) } else { counters.failure.noteSuccess() }
    }

    // MARK: - State

    func size() -> (entries: Int, bytes: Int) { local?.size ?? (0, 0) }
    func metrics() -> [CacheMetric] { client.metrics }
    func close() { client.close() }
}
