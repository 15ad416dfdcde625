// SPDX-License-Identifier: Apache-2.0

/// Whether tokens were taken.
package struct RateDecision: Sendable, Equatable {
    package var isAllowed: Bool
    /// Tokens that are left in the bucket.
    package var remaining: Double
    /// Milliseconds until there are as many tokens as were asked for; 0 where they were taken.
    package var retryAfter: Int64
    /// Whether a bucket of this process decided, because Redis was away.
    package var isLocal = false
}
