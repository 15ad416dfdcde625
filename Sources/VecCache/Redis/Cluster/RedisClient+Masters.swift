// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Asking for what no key leads to: all keys of a cluster are with all of its masters.
extension RedisClient {
    /// The servers that together have all keys.
    /// - Throws: `.unavailable` where a cluster does not say who has which slot.
    func masters() throws(VecStoreError) -> [RedisAddress] {
        try checkUsable()
        let deadline = Deadline(milliseconds: options.commandTimeout)
        prepare(until: deadline)
        guard isCluster else { return [url.address] }
        refreshMap(until: deadline)
        guard let masters = lock.withLock({ map.isComplete ? map.masters : nil }) else {
            throw VecStoreError(
                .unavailable, "not every slot of the Redis cluster has a master that is known: the user needs the right to CLUSTER SLOTS")
        }
        return masters
    }

    /// Asks one of the servers, whatever the key. What it refuses is thrown too.
    func execute(_ command: RedisCommand, at address: RedisAddress) throws(VecStoreError) -> RedisReply {
        try checkUsable()
        counters.add(.commands)
        let deadline = Deadline(milliseconds: options.commandTimeout)
        do throws(VecStoreError) {
            return try askOne(address, command, until: deadline).checked()
        } catch {
            // A connection may have been closed while it was idle.
            guard error.code == .unavailable, command.isRepeatable, options.retries > 0, !deadline.hasPassed else {
                counters.add(.errors)
                throw error
            }
        }
        counters.add(.retries)
        return try askOne(address, command, until: deadline).checked()
    }
}
