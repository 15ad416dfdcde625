// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What was done in the background, or by calls that did not wait for it.
final class WorkCounters: Sendable {
    /// Portions of rows that went into graphs, or out of them.
    let portions = Atomic<UInt64>(0)
    /// Rows of these.
    let rows = Atomic<UInt64>(0)
    let nanoseconds = Atomic<UInt64>(0)
    let failures = Atomic<UInt64>(0)
    let savedGraphs = Atomic<UInt64>(0)

    func notePortion(rows count: Int, nanoseconds time: Int64) {
        if count > 0 {
            portions.add(1, ordering: .relaxed)
            rows.add(UInt64(count), ordering: .relaxed)
        }
        nanoseconds.add(UInt64(max(time, 0)), ordering: .relaxed)
    }
}
