// SPDX-License-Identifier: Apache-2.0

import VecCache

/// How long an entry of a cache lives.
public enum TimeToLive: Sendable, Hashable {
    /// As long as the cache says.
    case standard
    case forever
    /// A millisecond or longer.
    case duration(Duration)

    public static func seconds(_ seconds: some BinaryInteger) -> TimeToLive { .duration(.seconds(seconds)) }
    public static func seconds(_ seconds: Double) -> TimeToLive { .duration(.seconds(seconds)) }
    public static func milliseconds(_ milliseconds: some BinaryInteger) -> TimeToLive { .duration(.milliseconds(milliseconds)) }
}

extension TimeToLive {
    var internalValue: VecCache.TimeToLive {
        switch self {
        case .standard: .standard
        case .forever: .forever
        case .duration(let duration): .milliseconds(duration.milliseconds)
        }
    }
}

extension Duration {
    /// Rounded up, so that a short time is not none; the nearest that 64 bits hold.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (part, rest) = attoseconds.quotientAndRemainder(dividingBy: 1_000_000_000_000_000)
        let (whole, overflows) = seconds.multipliedReportingOverflow(by: 1000)
        let (sum, isTooLong) = whole.addingReportingOverflow(part &+ (rest > 0 ? 1 : 0))
        return overflows || isTooLong ? (seconds < 0 ? .min : .max) : sum
    }
}
