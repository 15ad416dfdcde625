// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A mutual exclusion lock. POSIX's, because the sanitizers know it.
package final class Lock: @unchecked Sendable {
    // Safety: the mutex is made to be shared.

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    package init() {
        mutex = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    package func lock() { pthread_mutex_lock(mutex) }
    package func unlock() { pthread_mutex_unlock(mutex) }

    /// Makes the lock as new: for the child of a fork, where its holder may be gone.
    package func reset() { pthread_mutex_init(mutex, nil) }

    package func withLock<R>(_ body: () throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        lock()
        defer { unlock() }
        return try body()
    }

    package func withLock<R>(_ body: () -> R) -> R {
        lock()
        defer { unlock() }
        return body()
    }

    fileprivate func wait(_ condition: UnsafeMutablePointer<pthread_cond_t>) {
        pthread_cond_wait(condition, mutex)
    }

    fileprivate func wait(_ condition: UnsafeMutablePointer<pthread_cond_t>, until end: timespec) {
        var end = end
        pthread_cond_timedwait(condition, mutex, &end)
    }
}

/// A condition that threads wait for while they hold its lock.
package final class Condition: @unchecked Sendable {
    // Safety: as for the lock.

    private let condition: UnsafeMutablePointer<pthread_cond_t>

    package init() {
        condition = .allocate(capacity: 1)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        condition.deallocate()
    }

    package func wait(_ lock: Lock) { lock.wait(condition) }

    /// Waits for some time at most. As with the other, the condition may be as it was.
    package func wait(_ lock: Lock, milliseconds: Int) {
        var end = timespec()
        clock_gettime(CLOCK_REALTIME, &end)
        let nanoseconds = end.tv_nsec + milliseconds % 1000 * 1_000_000
        end.tv_sec += milliseconds / 1000 + nanoseconds / 1_000_000_000
        end.tv_nsec = nanoseconds % 1_000_000_000
        lock.wait(condition, until: end)
    }

    package func signalAll() { pthread_cond_broadcast(condition) }
    package func reset() { pthread_cond_init(condition, nil) }
}
