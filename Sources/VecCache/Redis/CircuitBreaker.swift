// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Keeps calls away from a server that fails. Closed, it lets all through. After some failures in a row it opens and refuses
/// at once; after a while it is half-open and lets one call through as a probe, which closes it, or opens it for twice as long.
package final class CircuitBreaker: @unchecked Sendable {
    // Safety: all that changes is touched under `lock`.

    package enum State: String, Sendable {
        case closed, open
        case halfOpen = "half_open"
    }

    /// What a call that was let through gives back with what came of it.
    package struct Pass: Sendable {
        fileprivate let isProbe: Bool
    }

    private let lock = Lock()
    private let limit: Int
    private let openTime: Int
    private let maxOpenTime: Int
    private let now: @Sendable () -> Int64
    private var failures = 0
    private var isOpen = false
    private var hasProbe = false
    private var currentOpenTime: Int
    private var opensAgainAt: Int64 = 0

    /// - Parameter now: Nanoseconds by a clock that only goes forward.
    package init(failures: Int, openTime: Int, maxOpenTime: Int, now: @escaping @Sendable () -> Int64 = { ticks() }) {
        limit = failures
        self.openTime = openTime
        self.maxOpenTime = maxOpenTime
        self.now = now
        currentOpenTime = openTime
    }

    package var state: State {
        lock.withLock { isOpen ? (hasProbe || now() >= opensAgainAt ? .halfOpen : .open) : .closed }
    }

    /// Lets a call through, or nil.
    package func enter() -> Pass? {
        lock.withLock {
            guard isOpen else { return Pass(isProbe: false) }
            guard !hasProbe && now() >= opensAgainAt else { return nil }
            hasProbe = true
            return Pass(isProbe: true)
        }
    }

    /// The call got an answer. True where that closed the breaker.
    @discardableResult
    package func succeed(_ pass: Pass) -> Bool {
        lock.withLock {
            // An answer to a call from before the breaker opened says nothing about now.
            guard !isOpen || pass.isProbe else { return false }
            let hasClosed = isOpen
            failures = 0
            isOpen = false
            hasProbe = false
            currentOpenTime = openTime
            return hasClosed
        }
    }

    /// The call got no answer. True where that opened the breaker.
    @discardableResult
    package func fail(_ pass: Pass) -> Bool {
        lock.withLock {
            if pass.isProbe {
                hasProbe = false
                currentOpenTime = min(currentOpenTime * 2, maxOpenTime)
                opensAgainAt = later()
            } else if !isOpen {
                failures += 1
                guard failures >= limit else { return false }
                isOpen = true
                opensAgainAt = later()
                return true
            }
            return false
        }
    }

    /// The call ended for a reason that is none of the server's.
    package func abandon(_ pass: Pass) {
        lock.withLock { if pass.isProbe { hasProbe = false } }
    }

    private func later() -> Int64 { now() &+ Int64(currentOpenTime) &* 1_000_000 }
}
