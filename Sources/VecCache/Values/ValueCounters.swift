// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What a cache of values has done so far.
final class ValueCounters: Sendable {
    let hits = Atomic<Int>(0)
    /// Hits that needed no round trip.
    let localHits = Atomic<Int>(0)
    let misses = Atomic<Int>(0)
    /// Misses because Redis did not answer.
    let unanswered = Atomic<Int>(0)
    let sets = Atomic<Int>(0)
    /// Values that could not be set because Redis did not answer.
    let dropped = Atomic<Int>(0)
    let deletes = Atomic<Int>(0)
    let evictions = Atomic<Int>(0)
    let expired = Atomic<Int>(0)
    let failure = StoreFailure()

    /// Seconds of reading calls.
    let durations = Histogram([
        (0.000001, "0.000001"), (0.00001, "0.00001"), (0.00005, "0.00005"), (0.0001, "0.0001"), (0.00025, "0.00025"),
        (0.0005, "0.0005"), (0.001, "0.001"), (0.0025, "0.0025"), (0.005, "0.005"), (0.01, "0.01"), (0.025, "0.025"), (0.1, "0.1"),
        (0.5, "0.5"), (1, "1"), (5, "5"),
    ])
}
