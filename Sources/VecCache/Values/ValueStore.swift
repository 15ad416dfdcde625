// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// Where values live. Keys and values have been checked.
protocol ValueStore: AnyObject, Sendable {
    /// - Returns: The value of each key; nil: there is none, or its end has come.
    func get(_ keys: [[UInt8]]) throws(VecStoreError) -> [[UInt8]?]

    /// Sets all values. Of a key that comes twice the last one counts.
    /// - Parameter ttl: Milliseconds that they live from now on; nil: for ever.
    func set(_ values: [NewValue], ttl: Int64?) throws(VecStoreError)

    /// - Returns: How many there were.
    func delete(_ keys: [[UInt8]]) throws(VecStoreError) -> Int

    /// - Returns: How many there were.
    func clear() throws(VecStoreError) -> Int

    /// What there is, as far as this process has it, and the bytes that bounds count.
    func size() throws(VecStoreError) -> (entries: Int, bytes: Int)

    /// What else the store has to say of itself.
    func metrics() -> [CacheMetric]

    func close() throws(VecStoreError)
}

extension ValueStore {
    func metrics() -> [CacheMetric] { [] }
    func close() throws(VecStoreError) {}
}
