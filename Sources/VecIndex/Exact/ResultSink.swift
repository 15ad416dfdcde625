// SPDX-License-Identifier: Apache-2.0

/// Takes what a scan finds for one query.
package protocol ResultSink {
    /// Only rows at most this far are wanted now; it never grows.
    var limit: Float { get }
    mutating func take(_ distance: Float, _ id: UInt64)
}
