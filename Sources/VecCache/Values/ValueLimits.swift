// SPDX-License-Identifier: Apache-2.0

/// The limits of a cache of values, and why they are where they are.
package enum ValueLimits {
    /// Most bytes of a key: a long text with the name of a model before it.
    package static let keyBytes = 1 << 20
    /// Most bytes of a value: far below what Redis and SQLite take, and quick enough for a time-out of some seconds.
    package static let valueBytes = 64 << 20
    /// Most keys that one call names.
    package static let batch = CacheLimits.batch
    /// Bytes that an entry takes beside its key and value, about: what bounds count.
    static let overhead = 160
}
