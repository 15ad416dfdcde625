// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Brings changes to Redis, in the order in which they came: those that wait go in one pipeline. While the server works on one, the
/// changes of the one before are shown to the table. While the server is away they are kept, up to a bound.
final class RedisWriter: @unchecked Sendable {
    // Safety: what changes is touched under `lock`; `work` runs on one thread at a time, and so does `showNext`.

    private let namespace: RedisNamespace
    private weak var sink: (any CacheSink)?
    /// Is told that the namespace is another one now.
    private let rejoined: @Sendable () -> Void
    private let lock = Lock()
    private let changed = Condition()
    private var waiting = ChangeQueue()
    /// The ids of the changes that the thread has taken, and that come back where they could not be made.
    private var taken: [EntryID] = []
    /// What was made, and is shown to the table by a thread of its own; nil: nothing is.
    private var showing: Outcome?
    /// Ends that were put off, of which only the last counts, and when they are due.
    private var touches: [EntryID: Int64] = [:]
    private var touchesDue: Deadline?
    private var isAwayNow = false
    private var droppedCount = 0
    private var pause = RedisWriter.leastPause
    private var worker: Worker?
    private var shower: Worker?

    /// Changes, and bytes, of one pipeline.
    private static let mostAtATime = 256, mostBytesAtATime = 4 << 20
    /// Milliseconds between attempts to reach a server that is away.
    private static let leastPause = 50, mostPause = 1000
    /// Milliseconds that ends wait for others.
    private static let touchDelay = 50

    init(_ namespace: RedisNamespace, _ sink: any CacheSink, rejoined: @escaping @Sendable () -> Void) {
        self.namespace = namespace
        self.sink = sink
        self.rejoined = rejoined
        worker = Worker(niceness: 0) { [weak self] in self?.work() ?? .sleep }
        shower = Worker(niceness: 0) { [weak self] in self?.showNext() ?? .sleep }
    }

    // MARK: - State

    var isAway: Bool { lock.withLock { isAwayNow } }
    var queued: Int { lock.withLock { waiting.count + underway + touches.count } }
    /// Under `lock`.
    private var underway: Int { taken.count + (showing?.made.count ?? 0) }
    /// Changes that were given up, because more waited than may, or the server refused them.
    var dropped: Int { lock.withLock { droppedCount } }
    var waitingIDs: Set<EntryID> { lock.withLock { Set(waiting.ids).union(taken) } }

    // MARK: - Callers

    /// Makes changes, or keeps them to be made later: no call takes longer than its time-out.
    /// - Returns: How many entries of the table were removed.
    func make(_ changes: [RedisChange]) throws(VecStoreError) -> Int {
        if changes.isEmpty { return 0 }
        let batch = RedisBatch(changes.count)
        let isLater = try lock.withLock { () throws(VecStoreError) in
            if isAwayNow {
                guard waiting.count + underway + changes.count <= namespace.settings.queueLimit else {
                    droppedCount += changes.count
                    throw tooMany
                }
            }
            waiting.append(changes, isAwayNow ? nil : batch)
            return isAwayNow
        }
        worker?.wake()
        return isLater ? showEarly(changes) : try wait(for: batch, changes)
    }

    /// Changes that nobody waits for.
    func makeLater(_ changes: [RedisChange]) {
        if changes.isEmpty { return }
        lock.withLock {
            waiting.append(changes, nil)
            if isAwayNow { droppedCount += waiting.cut(to: max(0, namespace.settings.queueLimit - taken.count)).count }
        }
        worker?.wake()
    }

    func touch(_ id: EntryID, expires: Int64) {
        lock.withLock {
            if touches.count < namespace.settings.queueLimit || touches[id] != nil { touches[id] = expires } else { droppedCount += 1 }
            if touchesDue == nil { touchesDue = Deadline(milliseconds: RedisWriter.touchDelay) }
        }
        worker?.wake()
    }

    private var tooMany: VecStoreError {
        VecStoreError(
            .unavailable,
            "Redis at \(namespace.client.url) is away, and as many changes wait for it as may: \(namespace.settings.queueLimit)")
    }

    private func wait(for batch: RedisBatch, _ changes: [RedisChange]) throws(VecStoreError) -> Int {
        let deadline = Deadline(milliseconds: namespace.client.options.commandTimeout)
        lock.lock()
        while !batch.isOver, !deadline.hasPassed { changed.wait(lock, milliseconds: min(deadline.remaining, 1000)) }
        batch.isReleased = true
        let failure = batch.failure, isLater = batch.left > 0, count = batch.count
        lock.unlock()
        if let failure { throw failure }
        return isLater ? showEarly(changes) : count
    }

    /// Shows the table changes that are not made yet: this process goes by them already.
    private func showEarly(_ changes: [RedisChange]) -> Int {
        namespace.order.withLock {
            var count = 0
            for change in changes { count += show(change) }
            return count
        }
    }

    // MARK: - The thread

    private struct Outcome {
        var made: [(item: ChangeQueue.Item, number: Int64)] = []
        var refused: [(item: ChangeQueue.Item, error: VecStoreError)] = []
        /// What is to be tried again.
        var left: [ChangeQueue.Item] = []
        var isElsewhere = false
        var isAway = false

        /// - Parameters:
        ///   - items: Changes that one command makes.
        ///   - reply: The number of the last of them; nil: none came.
        mutating func add(_ items: ArraySlice<ChangeQueue.Item>, _ reply: RedisReply?) {
            guard let reply else {
                isAway = true
                left += items
                return
            }
            guard case .error(let failure) = reply else {
                let last = reply.integer ?? 0
                for (i, item) in items.enumerated() { made.append((item, last &- Int64(items.count - 1 - i))) }
                return
            }
            if failure.word == RedisScripts.epochWord {
                isElsewhere = true
                left += items
            } else if failure.code == .unavailable {
                isAway = true
                left += items
            } else {
                refused += items.map { ($0, failure.error) }
            }
        }
    }

    /// Makes some of the changes that wait.
    private func work() -> Worker.Next {
        let some = take()
        if some.isEmpty {
            guard let due = lock.withLock({ touchesDue }) else { return .sleep }
            return .sleepFor(milliseconds: max(1, due.remaining))
        }
        var outcome = send(some)
        waitForShower()
        if outcome.left.isEmpty, handOver(outcome) { return .goOn }
        show(outcome.made)
        if outcome.isElsewhere && !outcome.isAway { outcome.isAway = !rejoin() }
        settle(outcome)
        return outcome.isAway ? .sleepFor(milliseconds: nextPause()) : .goOn
    }

    /// Has changes shown by the other thread, where there is something to send meanwhile: a thread that is woken takes its time.
    private func handOver(_ outcome: Outcome) -> Bool {
        // Woken first to see whether there is a thread, then for what there is to show.
        guard lock.withLock({ !waiting.isEmpty }), let shower, shower.wake() else { return false }
        lock.withLock {
            taken = []
            showing = outcome
        }
        shower.wake()
        return true
    }

    /// Changes are shown in the order in which they were made.
    private func waitForShower(until deadline: Deadline? = nil) {
        lock.lock()
        while showing != nil, !(deadline?.hasPassed ?? false) { changed.wait(lock, milliseconds: min(deadline?.remaining ?? 1000, 1000)) }
        lock.unlock()
    }

    private func showNext() -> Worker.Next {
        if let outcome = lock.withLock({ showing }) {
            show(outcome.made)
            settle(outcome)
        }
        return .sleep
    }

    private func take() -> [ChangeQueue.Item] {
        lock.withLock {
            if touchesDue?.hasPassed ?? false {
                waiting.append(touches.map { .touch($0.key, expires: $0.value) }, nil)
                touches = [:]
                touchesDue = nil
            }
            let some = waiting.take(most: RedisWriter.mostAtATime, mostBytes: RedisWriter.mostBytesAtATime)
            taken = some.map(\.change.id)
            return some
        }
    }

    private func send(_ some: [ChangeQueue.Item]) -> Outcome {
        namespace.order.withLock { namespace.changes.begin() }
        let commands = RedisChange.commands(some.map(\.change), namespace)
        let replies = (try? namespace.client.pipeline(commands.map(\.command))) ?? []
        var outcome = Outcome()
        var rest = some[...]
        for (i, (_, count)) in commands.enumerated() {
            outcome.add(rest.prefix(count), i < replies.count ? replies[i] : nil)
            rest = rest.dropFirst(count)
        }
        return outcome
    }

    /// Shows the table the changes of a pipeline.
    private func show(_ made: [(item: ChangeQueue.Item, number: Int64)]) {
        namespace.order.withLock {
            var entries: [(entry: CacheEntry, number: Int64)] = []
            for (item, number) in made {
                let isShown = number <= 0 || namespace.changes.showsOwn(item.change.id, number)
                if case .set(let entry) = item.change {
                    if isShown { entries.append((entry, number)) }
                    continue
                }
                show(entries)
                entries = []
                if case .touch(let id, let end) = item.change {
                    // The entry may have been read with its old end since.
                    if isShown && number > 0 { sink?.putOff(id, until: end) }
                } else {
                    let count = isShown ? show(item.change) : item.change.deletes ? 1 : 0
                    if let batch = item.batch { lock.withLock { batch.count += count } }
                }
            }
            show(entries)
            namespace.changes.end(made.last?.number)
        }
    }

    /// Shows entries that came one after the other at once. Under `order`.
    private func show(_ entries: [(entry: CacheEntry, number: Int64)]) {
        guard let sink, !entries.isEmpty else { return }
        let departed = try? sink.put(
            entries.map { (entry, _) in
                var entry = entry
                if !namespace.settings.keepsResponses { entry.response = nil }
                return entry
            })
        for (entry, number) in entries {
            if let end = namespace.changes.end(of: entry.id, after: number) { sink.setExpires(entry.id, end) }
        }
        // While the pipeline still counts as queued: whoever waits until nothing is waits for these too.
        makeLater((departed?.evicted ?? []).map { .delete($0) })
    }

    /// - Returns: How many entries of the table were removed. Under `order`.
    private func show(_ change: RedisChange) -> Int {
        guard let sink else { return 0 }
        switch change {
        case .set(let entry): if let gone = try? sink.put([entry]) { makeLater(gone.evicted.map { .delete($0) }) }
        case .delete(let id): return sink.remove([id])
        case .setWrong(let id, let vectors): sink.setNegatives(id, vectors)
        // Whoever put it off has told the table, which has let go of what has ended.
        case .touch, .prune: break
        }
        return 0
    }

    private func rejoin() -> Bool {
        guard (try? namespace.join()) != nil else { return false }
        rejoined()
        return true
    }

    private func settle(_ outcome: Outcome) {
        var untold: VecStoreError?
        lock.withLock {
            for (item, _) in outcome.made { item.batch?.left -= 1 }
            for (item, error) in outcome.refused {
                item.batch?.left -= 1
                item.batch?.failure = error
                if item.batch?.isReleased ?? true {
                    droppedCount += 1
                    untold = error
                }
            }
            waiting.putBack(outcome.left)
            // Where its changes were shown beside the next pipeline, that one is still taken.
            if showing == nil { taken = [] } else { showing = nil }
            isAwayNow = outcome.isAway
            if isAwayNow {
                for item in waiting.cut(to: namespace.settings.queueLimit) {
                    item.batch?.failure = tooMany
                    droppedCount += 1
                }
                // Nobody waits for a server that is away.
                waiting.releaseBatches()
            } else {
                pause = RedisWriter.leastPause
            }
            changed.signalAll()
        }
        if let untold { sink?.noteFailure(untold) }
    }

    private func nextPause() -> Int {
        lock.withLock {
            let now = pause
            pause = min(2 * pause, RedisWriter.mostPause)
            return Int.random(in: (now / 2)...now)
        }
    }

    // MARK: - The end

    /// Waits until nothing is left to be made.
    /// - Returns: Whether that is so.
    func flush(until deadline: Deadline) -> Bool {
        while true {
            if queued == 0 { return true }
            if deadline.hasPassed { return false }
            worker?.wake()
            VecCache.pause(milliseconds: 2, until: deadline)
        }
    }

    /// Ends the thread, after what waits, if the server is there.
    /// - Returns: How many changes are lost.
    func close() -> Int {
        if !isAway { _ = flush(until: Deadline(milliseconds: namespace.client.options.commandTimeout)) }
        worker?.stop()
        // In the child of a fork nobody shows anything any more.
        waitForShower(until: Deadline(milliseconds: namespace.client.options.commandTimeout))
        shower?.stop()
        return lock.withLock {
            let lost = waiting.mattering
            droppedCount += waiting.count
            waiting.releaseBatches()
            waiting = ChangeQueue()
            changed.signalAll()
            return lost
        }
    }
}
