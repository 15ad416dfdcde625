// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Locks of the lists of a graph, for those who change them: many rows share one. At most one is held at a time, and readers
/// never take any.
final class GraphLocks: @unchecked Sendable {
    // Safety: atomics.

    private static let count = 1 << 14
    private let memory: Buffer
    private let locks: UnsafeMutablePointer<Atomic<UInt8>>

    init() throws(VecStoreError) {
        memory = try allocate(UInt8.self, GraphLocks.count, for: "the locks of a graph")
        locks = memory.base.assumingMemoryBound(to: Atomic<UInt8>.self)
    }

    @inline(__always)
    private func index(_ slot: UInt32) -> Int {
        Int(truncatingIfNeeded: (slot &* 0x9e37_79b1) &>> 18)
    }

    func withLock(_ slot: UInt32, _ body: () -> Void) {
        let i = index(slot)
        var tries = 0
        while locks[i].exchange(1, ordering: .acquiring) != 0 {
            tries += 1
            // Its holder may not have a processor just now.
            if tries > 64 { sched_yield() }
        }
        body()
        locks[i].store(0, ordering: .releasing)
    }
}

/// A lock that many may share, or one may have alone. Who wants it alone goes before those who come to share it later; when he
/// is done, those who have been waiting to share it go before the next one. So nobody waits for ever.
package final class SharedLock: @unchecked Sendable {
    // Safety: all is touched under `lock`.

    private let lock = Lock()
    private let changed = Condition()
    private var sharers = 0
    private var isTaken = false
    /// Those who want it alone.
    private var waiting = 0
    /// Those who wait to share it, and those of them whose turn it is.
    private var queued = 0
    private var entitled = 0
    /// How many have had it alone.
    private var turns = 0

    package init() {}

    package func lockShared() {
        lock.lock()
        if isTaken || waiting > 0 {
            let turn = turns
            queued += 1
            while isTaken || (waiting > 0 && turns == turn) { changed.wait(lock) }
            if turns == turn { queued -= 1 } else { entitled -= 1 }
        }
        sharers += 1
        lock.unlock()
    }

    package func unlockShared() {
        lock.lock()
        sharers -= 1
        if sharers == 0 { changed.signalAll() }
        lock.unlock()
    }

    package func lockAlone() {
        lock.lock()
        waiting += 1
        while isTaken || sharers > 0 || entitled > 0 { changed.wait(lock) }
        waiting -= 1
        isTaken = true
        lock.unlock()
    }

    package func unlockAlone() {
        lock.lock()
        isTaken = false
        turns &+= 1
        entitled += queued
        queued = 0
        changed.signalAll()
        lock.unlock()
    }
}

/// Hands out numbers, each once.
final class SharedCounter: Sendable {
    private let next = Atomic<Int>(0)

    func take(_ n: Int = 1) -> Int { next.add(n, ordering: .relaxed).oldValue }
}
