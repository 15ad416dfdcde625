// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Tells the milliseconds since 1970. Given from outside, so that nobody has to wait for a ttl to end.
package typealias WallClock = @Sendable () -> Int64

/// Milliseconds since 1970, by the system.
package func wallClock() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) &* 1000 &+ Int64(time.tv_nsec) / 1_000_000
}

/// Whether this is the process of a number, and not a child that was forked from it.
func isProcess(_ number: pid_t) -> Bool { getpid() == number }
func thisProcess() -> pid_t { getpid() }
