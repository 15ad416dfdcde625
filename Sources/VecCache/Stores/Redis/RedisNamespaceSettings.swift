// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// How a process takes part in a namespace.
package struct RedisNamespaceSettings: Sendable {
    /// Whether responses are in the table: then a hit needs no network.
    package var keepsResponses = false
    /// Changes that wait at most while the server is away.
    package var queueLimit = 10_000
    /// About how many changes the stream has.
    package var logLength = 10_000
    /// Milliseconds after which a follower that hears nothing asks whether there was anything to hear.
    package var idleCheck = 1000

    package init() {}

    func check() throws(VecStoreError) {
        guard (0...10_000_000).contains(queueLimit) else {
            throw VecStoreError(.invalidArgument, "the queue limit is \(queueLimit): allowed is 0 to 10000000")
        }
        guard (1...100_000_000).contains(logLength) else {
            throw VecStoreError(.invalidArgument, "the length of the stream is \(logLength): allowed is 1 to 100000000")
        }
        guard (10...60_000).contains(idleCheck) else {
            throw VecStoreError(.invalidArgument, "the time between checks is \(idleCheck) ms: allowed is 10 to 60000")
        }
    }
}
