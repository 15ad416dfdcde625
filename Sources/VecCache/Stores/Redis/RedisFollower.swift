// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Hears of what others change, and shows it to the table of this process. Where something may have been missed it compares all that
/// there is.
final class RedisFollower: @unchecked Sendable {
    // Safety: `connection` and the state that others ask for are touched under `lock`, the rest by one thread at a time.

    private let namespace: RedisNamespace
    private weak var sink: (any CacheSink)?
    /// Entries with changes that wait to be made: Redis does not have them yet.
    private let waitingIDs: @Sendable () -> Set<EntryID>
    private let lock = Lock()
    private var connection: DedicatedConnection?
    private var isStopping = false
    private var needsSync = true
    private var failureNow: VecStoreError?
    private var syncCount = 0
    private var lagNow: Int64 = 0
    private var worker: Worker?

    /// Of the thread: the change that was shown last, and what the stream had of it.
    private var last: Int64 = 0
    private var lastEvent: RedisReply?
    private var failures = 0

    /// Changes that are read at a time.
    private static let mostAtATime = 1000
    /// Entries that are read at a time.
    private static let portion = 256

    init(_ namespace: RedisNamespace, _ sink: any CacheSink, waitingIDs: @escaping @Sendable () -> Set<EntryID>) {
        self.namespace = namespace
        self.sink = sink
        self.waitingIDs = waitingIDs
        worker = Worker(niceness: 0) { [weak self] in self?.work() ?? .sleep }
    }

    // MARK: - State

    /// Why it does not hear anything; nil: it does.
    var failure: VecStoreError? { lock.withLock { failureNow } }
    /// How often all was compared.
    var syncs: Int { lock.withLock { syncCount } }
    /// Changes that are known to be there and were not shown yet.
    var lag: Int64 { lock.withLock { lagNow } }

    // MARK: - The thread

    /// Brings all that there is to the table, on the calling thread.
    func begin() throws(VecStoreError) { try sync() }

    /// - Parameter error: Why `begin` failed, which is tried again.
    func note(_ error: VecStoreError) {
        lock.withLock { failureNow = error }
        sink?.noteFailure(error)
    }

    func start() { worker?.wake() }

    /// All has to be compared.
    func doubt() {
        let connection = lock.withLock {
            needsSync = true
            return self.connection
        }
        connection?.close()
        worker?.wake()
    }

    func stop() {
        let connection = lock.withLock {
            isStopping = true
            return self.connection
        }
        connection?.close()
        worker?.stop()
    }

    private func work() -> Worker.Next {
        do throws(VecStoreError) {
            let (connection, isNew) = try connect()
            if lock.withLock({ needsSync }) {
                try sync()
            } else if isNew, try !isContinuous() {
                try sync()
            }
            let reply = try connection.execute(
                RedisCommand(
                    "XREAD", "COUNT", RedisFollower.mostAtATime, "BLOCK", namespace.settings.idleCheck, "STREAMS", namespace.keys.log,
                    "\(last)-0", keyIndex: 6, isRepeatable: true),
                wait: namespace.settings.idleCheck)
            if reply.isNull { try checkIdle(connection) } else { try show(reply) }
            failures = 0
            lock.withLock { failureNow = nil }
            return .goOn
        } catch {
            let isOver = lock.withLock {
                connection = nil
                // A wait that was ended on purpose is no failure.
                if error.code != .cancelled { failureNow = error }
                return isStopping
            }
            if !isOver && error.code != .cancelled { sink?.noteFailure(error) }
            if isOver { return .sleep }
            if error.code == .cancelled { return .goOn }
            failures += 1
            return .sleepFor(milliseconds: namespace.client.options.backoff(failures: failures))
        }
    }

    private func connect() throws(VecStoreError) -> (DedicatedConnection, isNew: Bool) {
        if let known = lock.withLock({ connection }) { return (known, false) }
        let made = try namespace.client.dedicated(key: namespace.keys.log)
        let isOver = lock.withLock {
            connection = made
            return isStopping
        }
        if isOver { throw VecStoreError(.cancelled, "the cache is being closed") }
        return (made, true)
    }

    /// Whether the stream still has the change that was shown last, and it is the same: a server that took over may have missed some.
    private func isContinuous() throws(VecStoreError) -> Bool {
        let known = try namespace.client.execute(RedisCommand("HMGET", namespace.keys.meta, "epoch", "seq"))
        guard let values = known.array, values.count == 2, values[0].bytes == namespace.epoch, (values[1].integer ?? -1) >= last
        else { return false }
        // Before the first change there is none that could be missing.
        if last == 0 { return true }
        guard let lastEvent else { return values[1].integer == last }
        return try event(last) == lastEvent
    }

    /// A change as the stream has it; nil: it has it no more.
    private func event(_ number: Int64) throws(VecStoreError) -> RedisReply? {
        try namespace.client.execute(RedisCommand("XRANGE", namespace.keys.log, "\(number)-0", "\(number)-0")).array?.first
    }

    /// Nothing came: sees whether there was anything to come.
    private func checkIdle(_ connection: DedicatedConnection) throws(VecStoreError) {
        let known = try connection.execute(RedisCommand("HMGET", namespace.keys.meta, "epoch", "seq"))
        // What was changed since the wait ended comes with the next one; what had been changed before should have come.
        if known.array?.first?.bytes != namespace.epoch || (known.array?.last?.integer ?? -1) < last {
            try sync()
        } else if let seq = known.array?.last?.integer, seq > last {
            let found = try connection.execute(RedisCommand("XRANGE", namespace.keys.log, "\(last + 1)-0", "+", "COUNT", 1))
            if found.array?.isEmpty ?? true { try sync() }
        }
    }

    // MARK: - Changes

    /// What became of an entry in a piece of the stream.
    private enum Change {
        case isSet, isGone
        case isTouched(Int64)
    }

    /// Shows a piece of the stream.
    private func show(_ reply: RedisReply) throws(VecStoreError) {
        guard let events = reply.array?.first?.array?.last?.array else { throw namespace.damaged("has a stream that cannot be read") }
        var changes: [EntryID: (number: Int64, change: Change)] = [:]
        var next = last
        for event in events {
            guard let parts = event.array, parts.count == 2, let number = parts[0].text.flatMap(RedisFollower.number) else {
                return try sync()
            }
            // Changes that the stream does not have any more were missed.
            guard number == next &+ 1 else { return try sync() }
            next = number
            lastEvent = event
            let fields = RedisFollower.fields(parts[1])
            guard let id = fields["id"].flatMap({ EntryID(text: String(decoding: $0, as: UTF8.self)) }) else { continue }
            if fields["by"] == namespace.name {
                // The table has it, or something later.
                namespace.order.withLock { namespace.changes.meet(id, number) }
                changes[id] = nil
                continue
            }
            switch fields["op"].map({ String(decoding: $0, as: UTF8.self) }) {
            case "set", "wrong": changes[id] = (number, .isSet)
            case "delete": changes[id] = (number, .isGone)
            case "touch":
                guard let end = fields["end"].flatMap({ Int64(String(decoding: $0, as: UTF8.self)) }) else { continue }
                if case .isSet? = changes[id]?.change { continue }
                changes[id] = (number, .isTouched(end))
            default: changes[id] = (number, .isSet)
            }
        }
        lock.withLock { lagNow = next - last }
        try show(changes)
        last = next
        lock.withLock { lagNow = 0 }
    }

    private func show(_ changes: [EntryID: (number: Int64, change: Change)]) throws(VecStoreError) {
        var numbers: [EntryID: Int64] = [:]
        namespace.order.withLock {
            var gone: [EntryID] = []
            for (id, (number, change)) in changes {
                switch change {
                case .isSet: numbers[id] = number
                case .isGone: if namespace.changes.showsOthers(id, number) { gone.append(id) }
                case .isTouched(let end): if namespace.changes.showsEnd(id, number, end) { sink?.setExpires(id, end) }
                }
            }
            if !gone.isEmpty { _ = sink?.remove(gone) }
        }
        try fetchPortions(Array(numbers.keys)) { numbers[$0] ?? 0 }
    }

    private func fetchPortions(_ ids: [EntryID], _ number: (EntryID) -> Int64) throws(VecStoreError) {
        var from = 0
        while from < ids.count {
            let some = Array(ids[from..<min(from + RedisFollower.portion, ids.count)])
            try fetch(some, number)
            from += some.count
        }
    }

    /// Reads entries and shows them to the table, but for those that this process has changed later.
    /// - Parameter number: Of the change that they are read for.
    private func fetch(_ ids: [EntryID], _ number: (EntryID) -> Int64) throws(VecStoreError) {
        let replies = try namespace.client.pipeline(
            ids.map { RedisEntry.read(namespace.keys.entry($0), withResponse: namespace.settings.keepsResponses) })
        var entries: [CacheEntry] = [], gone: [EntryID] = []
        for (id, reply) in zip(ids, replies) {
            if let entry = RedisEntry.entry(id, try reply.checked(), dimension: namespace.dimension) {
                entries.append(entry)
            } else {
                gone.append(id)
            }
        }
        try namespace.order.withLock { () throws(VecStoreError) in
            entries.removeAll { !namespace.changes.showsOthers($0.id, number($0.id)) }
            gone.removeAll { !namespace.changes.showsOthers($0, number($0)) }
            // What has no room here others may have room for: it stays where it is.
            if !entries.isEmpty { _ = try sink?.put(entries) }
            if !gone.isEmpty { _ = sink?.remove(gone) }
        }
    }

    private static func number(_ text: String) -> Int64? { Int64(text.prefix { $0 != "-" }) }

    private static func fields(_ reply: RedisReply) -> [String: [UInt8]] {
        let values = reply.array ?? []
        var fields: [String: [UInt8]] = [:]
        for i in stride(from: 0, to: values.count - 1, by: 2) {
            if let name = values[i].text, let value = values[i + 1].bytes { fields[name] = value }
        }
        return fields
    }

    // MARK: - All of it

    /// Compares the table with all that there is.
    private func sync() throws(VecStoreError) {
        let joined = try namespace.join()
        namespace.order.withLock { namespace.changes.beginComparing(upTo: joined.last) }
        lock.withLock { needsSync = false }
        do throws(VecStoreError) {
            var there = Set<EntryID>()
            try forEachID { (ids) throws(VecStoreError) in
                try fetchPortions(ids.filter { there.insert($0).inserted }) { _ in joined.last }
            }
            let waiting = waitingIDs()
            namespace.order.withLock {
                let gone = (sink?.ids ?? []).filter {
                    !there.contains($0) && !waiting.contains($0) && !namespace.changes.hasLater($0, than: joined.last)
                }
                _ = sink?.remove(gone)
            }
            while true {
                let again = namespace.order.withLock { namespace.changes.endComparing() }
                if again.isEmpty { break }
                try fetchPortions(Array(again)) { _ in joined.last }
            }
        } catch {
            lock.withLock { needsSync = true }
            throw error
        }
        last = joined.last
        // By it a new connection can tell that it is with the same history: changes that come meanwhile are no reason to begin anew.
        lastEvent = last == 0 ? nil : try event(last)
        lock.withLock {
            syncCount += 1
            lagNow = 0
        }
    }

    /// Calls `body` with all ids of the namespace; some may come twice.
    func forEachID(_ body: ([EntryID]) throws(VecStoreError) -> Void) throws(VecStoreError) {
        var cursor = Array("0".utf8)
        repeat {
            let reply = try namespace.client.execute(RedisCommand("ZSCAN", namespace.keys.ids, cursor, "COUNT", 1000))
            guard let parts = reply.array, parts.count == 2, let next = parts[0].bytes, let members = parts[1].array else {
                throw namespace.damaged("has a set of ids that cannot be read")
            }
            try body(stride(from: 0, to: members.count, by: 2).compactMap { members[$0].text.flatMap { EntryID(text: $0) } })
            cursor = next
            if lock.withLock({ isStopping }) { throw VecStoreError(.cancelled, "the cache is being closed") }
        } while cursor != Array("0".utf8)
    }
}
