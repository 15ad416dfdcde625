// SPDX-License-Identifier: Apache-2.0

/// Takes what a scan finds for one query.
package protocol ResultSink {
    /// Whether it keeps one result alone: then a scan looks for a good one first, so that the limit is low when all others
    /// are judged by it.
    static var keepsOne: Bool { get }
    /// Only rows at most this far are wanted now; it never grows.
    var limit: Float { get }
    mutating func take(_ distance: Float, _ id: UInt64)
}

extension ResultSink {
    package static var keepsOne: Bool { false }
}
