// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Asking servers one by one, for what each has a part of.
extension RedisClient {
    /// The servers that together have all keys: the masters of a cluster, or the one.
    /// - Throws: `.unavailable` where nobody says it, or a slot has no master; `.unsupported` where the user may not ask.
    func keyServers() throws(VecStoreError) -> [RedisAddress] {
        try checkUsable()
        if options.isCluster == false { return [url.address] }
        let (isCluster, known) = lock.withLock { (kind == .cluster, map.masters) }
        var last = VecStoreError(.unavailable, "no server says which servers there are")
        for address in known + [url.address] {
            let reply: RedisReply
            do throws(VecStoreError) {
                reply = try askAgain(address, RedisCommand("CLUSTER", "SLOTS", keyIndex: nil))
            } catch {
                last = error
                continue
            }
            if let found = SlotMap(reply, from: address) {
                adopt(found)
                // A part of the keys must not be taken for all.
                if found.isComplete { return found.masters }
                last = VecStoreError(.unavailable, "not every slot of the Redis cluster has a master")
                continue
            }
            guard case .error(let failure) = reply else { continue }
            if failure.word == "NOPERM" {
                if !isCluster, try isAlone(address) { return [url.address] }
                throw VecStoreError(
                    .unsupported,
                    "the user may not ask CLUSTER SLOTS, which says where all keys are: allow it, or say that it is no cluster")
            }
            if !isCluster { return [url.address] }
            last = failure.error
        }
        throw last
    }

    /// Whether a server says that it is in no cluster. Every user may ask this, and a server that knows users knows it.
    private func isAlone(_ address: RedisAddress) throws(VecStoreError) -> Bool {
        let parts = try askAgain(address, RedisCommand("HELLO", "2", keyIndex: nil, isRepeatable: true)).array ?? []
        guard let place = parts.firstIndex(where: { $0.text == "mode" }), place + 1 < parts.count else { return false }
        return parts[place + 1].text == "standalone"
    }

    /// Asks one server, whatever the map says. What it refuses is thrown too.
    func ask(_ address: RedisAddress, _ command: RedisCommand) throws(VecStoreError) -> RedisReply {
        try checkUsable()
        return try askAgain(address, command).checked()
    }

    /// Asks again where the server does not answer, or is not ready to.
    private func askAgain(_ address: RedisAddress, _ command: RedisCommand) throws(VecStoreError) -> RedisReply {
        let deadline = Deadline(milliseconds: options.commandTimeout)
        var failures = 0
        while true {
            counters.add(.commands)
            do throws(VecStoreError) {
                let reply = try askOne(address, command, until: deadline)
                if case .error(let failure) = reply, failure.code == .unavailable { throw failure.error }
                return reply
            } catch {
                counters.add(.errors)
                guard error.code == .unavailable, failures < options.retries, !deadline.hasPassed else { throw error }
                failures += 1
                counters.add(.retries)
                pause(milliseconds: options.backoff(failures: failures), until: deadline)
            }
        }
    }
}
