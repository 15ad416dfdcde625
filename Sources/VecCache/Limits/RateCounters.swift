// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What a rate limiter has decided so far.
final class RateCounters: Sendable {
    let allowed = Atomic<Int>(0)
    let denied = Atomic<Int>(0)
    /// Those of both that a bucket of this process decided, because Redis was away.
    let local = Atomic<Int>(0)
    let failure = StoreFailure()

    func note(_ decision: RateDecision) {
        if decision.isAllowed { allowed.add(1, ordering: .relaxed) } else { denied.add(1, ordering: .relaxed) }
        if decision.isLocal { local.add(1, ordering: .relaxed) }
    }
}
