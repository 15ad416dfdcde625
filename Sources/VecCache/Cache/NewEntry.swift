// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// How long an entry lives.
package enum TimeToLive: Sendable {
    /// As long as the options of the cache say.
    case standard
    case forever
    case milliseconds(Int64)

    /// Refuses what is no time, before there is an entry for it.
    package func check() throws(VecStoreError) {
        if case .milliseconds(let milliseconds) = self { try CacheOptions.check(ttl: milliseconds) }
    }
}

/// An entry that is to be set.
package struct NewEntry: Sendable {
    package var prompt: [UInt8]
    package var response: [UInt8]
    package var vector: [Float]
    /// A JSON object; empty: none.
    package var metadata: [UInt8]
    package var ttl: TimeToLive
    /// What it takes to make the response again, in any unit: for eviction by cost.
    package var cost: Float

    package init(
        prompt: [UInt8], response: [UInt8], vector: [Float], metadata: [UInt8] = [], ttl: TimeToLive = .standard, cost: Float = 1
    ) {
        self.prompt = prompt
        self.response = response
        self.vector = vector
        self.metadata = metadata
        self.ttl = ttl
        self.cost = cost
    }
}
