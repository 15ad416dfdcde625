// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Tells a caller how far a call has come whose work many threads do, and tells these where the caller wants no more.
final class Teller: @unchecked Sendable {
    // Safety: the counts are touched under `lock` only, `progress` on the thread that made this alone.

    private let lock = Lock()
    private let caller = pthread_self()
    private let progress: Progress?
    private let total: Int
    private let what: String
    private var done = 0
    private var isCancelled = false

    /// - Parameter what: What a message says was cancelled.
    init(_ progress: Progress?, total: Int, what: String) {
        self.progress = progress
        self.total = max(total, 1)
        self.what = what
    }

    /// Takes note of work that was done; throws where there is to be no more.
    func count(_ units: Int) throws(VecStoreError) {
        guard let progress else { return }
        let (now, isOver) = lock.withLock { () -> (Int, Bool) in
            done = min(done &+ units, total)
            return (done, isCancelled)
        }
        if !isOver && pthread_equal(caller, pthread_self()) != 0 && !progress(now, total) {
            lock.withLock { isCancelled = true }
        }
        try check()
    }

    /// All is done: the last chance to cancel.
    func finish() throws(VecStoreError) {
        try check()
        if let progress, !progress(total, total) { lock.withLock { isCancelled = true } }
        try check()
    }

    private func check() throws(VecStoreError) {
        if lock.withLock({ isCancelled }) { throw VecStoreError(.cancelled, "\(what) was cancelled") }
    }
}
