// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What a cache has done so far.
final class CacheCounters: Sendable {
    let exactHits = Atomic<Int>(0)
    let semanticHits = Atomic<Int>(0)
    let misses = Atomic<Int>(0)
    /// Lookups that ended with an error.
    let failures = Atomic<Int>(0)
    let sets = Atomic<Int>(0)
    let deletes = Atomic<Int>(0)
    let evictions = Atomic<Int>(0)
    let expired = Atomic<Int>(0)
    /// Candidates whose prompts did not agree.
    let guardRefusals = Atomic<Int>(0)
    /// Candidates that were said to be wrong for such prompts.
    let feedbackRefusals = Atomic<Int>(0)
    /// Hits whose entry the store had no more.
    let gone = Atomic<Int>(0)
    let feedbacks = Atomic<Int>(0)
    let failure = StoreFailure()

    /// Seconds of lookups: from what a hash takes to what a walk over a large graph and a round trip do.
    let durations = Histogram([
        (0.000001, "0.000001"), (0.0000025, "0.0000025"), (0.000005, "0.000005"), (0.00001, "0.00001"), (0.000025, "0.000025"),
        (0.00005, "0.00005"), (0.0001, "0.0001"), (0.00025, "0.00025"), (0.0005, "0.0005"), (0.001, "0.001"), (0.0025, "0.0025"),
        (0.005, "0.005"), (0.01, "0.01"), (0.025, "0.025"), (0.1, "0.1"), (0.5, "0.5"), (1, "1"), (5, "5"),
    ])
    /// Of the nearest entry of each semantic lookup, hit or not: what a threshold is chosen by.
    let similarities = Histogram([
        (0, "0"), (0.3, "0.3"), (0.5, "0.5"), (0.6, "0.6"), (0.7, "0.7"), (0.75, "0.75"), (0.8, "0.8"), (0.825, "0.825"),
        (0.85, "0.85"), (0.875, "0.875"), (0.9, "0.9"), (0.925, "0.925"), (0.95, "0.95"), (0.975, "0.975"), (0.99, "0.99"), (1, "1"),
    ])
}
