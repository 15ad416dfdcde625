// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Finding the server that a command belongs to.
extension RedisClient {
    /// Finds out what has to be known before a command can be sent. What goes wrong here goes wrong again when it is sent, and is
    /// told then.
    func prepare(until deadline: Deadline) {
        let (kind, isDoubtful) = lock.withLock { () -> (Kind, Bool) in (self.kind, isMapDoubtful || map.masters.isEmpty) }
        switch kind {
        case .single: break
        case .cluster: if isDoubtful { refreshMap(until: deadline) }
        case .unknown: refreshMap(until: deadline)
        }
    }

    /// The server for a command.
    /// - Parameter avoided: Servers that just failed: what any server can answer goes to another one.
    func route(_ command: RedisCommand, avoiding avoided: Set<RedisAddress> = []) -> RedisAddress {
        route(command.key.map { KeySlot.slot(of: $0) }, avoiding: avoided)
    }

    func route(_ slot: Int?, avoiding avoided: Set<RedisAddress> = []) -> RedisAddress {
        lock.withLock {
            guard kind == .cluster else { return url.address }
            if let slot { return map.master(of: slot) ?? url.address }
            return map.masters.first { !avoided.contains($0) && nodes[$0]?.breaker.state != .open } ?? url.address
        }
    }

    /// Follows a server that says where a slot is now.
    func learn(_ redirection: Redirection) {
        lock.withLock {
            kind = .cluster
            map.assign(redirection.slot...redirection.slot, to: redirection.address)
            isMapDoubtful = true
        }
    }

    func doubtMap() { lock.withLock { isMapDoubtful = true } }

    // MARK: - The map

    /// Asks the servers, one after the other, until one says which has which slot. One thread asks; others wait for it.
    /// - Parameter avoided: Servers that just failed: they are asked last.
    func refreshMap(until deadline: Deadline, avoiding avoided: Set<RedisAddress> = []) {
        guard beginRefresh(until: deadline) else { return }
        defer { endRefresh() }
        for address in candidates(avoided) {
            if deadline.hasPassed { return }
            // A server that hangs must not take the time in which others could be asked.
            let limit = deadline.butAtMost(milliseconds: max(deadline.remaining / 3, 1))
            guard let reply = try? askOne(address, RedisCommand("CLUSTER", "SLOTS", keyIndex: nil), until: limit) else { continue }
            counters.add(.mapRefreshes)
            if case .error(let failure) = reply {
                // A server that is alone says so; where we may not ask, redirections tell us in time.
                if failure.code == .unavailable { continue }
                lock.withLock {
                    if kind == .unknown { kind = .single }
                    isMapDoubtful = false
                }
                return
            }
            guard let found = SlotMap(reply, from: address) else { continue }
            return adopt(found)
        }
    }

    func askOne(
        _ address: RedisAddress, _ command: RedisCommand, until deadline: Deadline
    ) throws(VecStoreError) -> RedisReply {
        guard let visit = try node(address).enter(until: deadline) else { throw node(address).isLeftAlone }
        defer { visit.end() }
        return try visit.connection.ask([command], until: deadline)[0]
    }

    /// Servers that left the cluster are forgotten.
    func adopt(_ found: SlotMap) {
        let gone = lock.withLock {
            kind = .cluster
            map = found
            isMapDoubtful = false
            let known = Set(found.masters + found.replicas + [url.address])
            let gone = nodes.filter { !known.contains($0.key) }.map(\.value)
            for node in gone { nodes[node.address] = nil }
            return gone
        }
        for node in gone { node.pool.close() }
    }

    private func candidates(_ avoided: Set<RedisAddress>) -> [RedisAddress] {
        lock.withLock {
            var seen = Set<RedisAddress>()
            let all = (map.masters.shuffled() + map.replicas.shuffled() + [url.address]).filter { seen.insert($0).inserted }
            func isGood(_ address: RedisAddress) -> Bool {
                !avoided.contains(address) && (nodes[address]?.breaker.state ?? .closed) == .closed
            }
            return all.filter(isGood) + all.filter { !isGood($0) }
        }
    }

    /// False where another thread has just done it, or the time is over.
    private func beginRefresh(until deadline: Deadline) -> Bool {
        lock.lock()
        defer { lock.unlock() }
        if isRefreshing {
            while isRefreshing && !deadline.hasPassed { changed.wait(lock, milliseconds: deadline.remaining) }
            return false
        }
        // A map that is a few milliseconds old is the best there is, and asking more often burdens a cluster that is in need.
        if kind == .cluster, let last = lastRefresh, ticks() &- last < 50_000_000 { return false }
        isRefreshing = true
        return true
    }

    private func endRefresh() {
        lock.withLock {
            isRefreshing = false
            lastRefresh = ticks()
        }
        changed.signalAll()
    }
}
