// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// What went wrong with a store of late.
final class StoreFailure: @unchecked Sendable {
    // Safety: all that changes is touched under `lock`.

    private let lock = Lock()
    private var failure: (message: String, time: Int64)?
    private var isFailing = false
    private var number = 0

    func note(_ error: VecStoreError, at time: Int64) {
        lock.withLock {
            failure = (error.message, time)
            isFailing = true
            number &+= 1
        }
    }

    /// The store does its work.
    func noteSuccess() { lock.withLock { isFailing = false } }

    /// Calls in which something went wrong, whether that surfaced or not.
    var count: Int { lock.withLock { number } }

    /// The last error, and when it was.
    var last: (message: String, time: Int64)? { lock.withLock { failure } }

    /// The error of the last call; nil: it had none.
    var current: String? { lock.withLock { isFailing ? failure?.message : nil } }
}
