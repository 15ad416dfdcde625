// SPDX-License-Identifier: Apache-2.0

/// A value that is to be set.
struct NewValue: Sendable {
    let key: [UInt8]
    let value: [UInt8]

    /// What bounds count.
    var size: Int { ValueLimits.overhead &+ key.count &+ value.count }
}
