// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// The moment at which a call gives up. All that a call waits for, it waits for until then.
package struct Deadline: Sendable {
    /// By the clock that nobody sets.
    private let nanoseconds: Int64

    private init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package init(milliseconds: Int) { self.init(nanoseconds: Deadline.later(milliseconds)) }

    /// The moment some milliseconds from now, at most the end of all times.
    static func later(_ milliseconds: Int) -> Int64 {
        let (wait, overflow) = Int64(max(milliseconds, 0)).multipliedReportingOverflow(by: 1_000_000)
        let (end, overflow2) = ticks().addingReportingOverflow(wait)
        return overflow || overflow2 ? .max : end
    }

    /// This one, or some milliseconds from now, whichever comes first.
    package func butAtMost(milliseconds: Int) -> Deadline {
        Deadline(nanoseconds: min(nanoseconds, Deadline.later(milliseconds)))
    }

    package var hasPassed: Bool { ticks() >= nanoseconds }

    /// What is left, in milliseconds, rounded up so that nobody wakes too early.
    package var remaining: Int {
        let left = nanoseconds &- ticks()
        return left <= 0 ? 0 : Int(left / 1_000_000 &+ 1)
    }
}

/// Sleeps for some milliseconds, or until the deadline.
func pause(milliseconds: Int, until deadline: Deadline) {
    let wait = min(max(milliseconds, 0), deadline.remaining)
    usleep(UInt32(clamping: wait &* 1000))
}
