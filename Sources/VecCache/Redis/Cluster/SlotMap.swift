// SPDX-License-Identifier: Apache-2.0

/// Which server of a cluster has which slot, as far as is known.
struct SlotMap {
    private(set) var masters: [RedisAddress] = []
    private(set) var replicas: [RedisAddress] = []
    /// For each slot the place of its master, plus one; 0: nobody is known.
    private var owners = [UInt16](repeating: 0, count: KeySlot.count)

    init() {}

    /// What `CLUSTER SLOTS` says: for each range its first and last slot, its master and its replicas. What cannot be understood is
    /// left out; nil where that is all.
    /// - Parameter origin: Who said it: a server that does not know its own host writes none.
    init?(_ reply: RedisReply, from origin: RedisAddress) {
        guard let ranges = reply.array else { return nil }
        for range in ranges {
            guard let parts = range.array, parts.count >= 3, let first = parts[0].integer, let last = parts[1].integer,
                first >= 0, first <= last, last < KeySlot.count, let master = SlotMap.address(parts[2], origin)
            else { continue }
            assign(Int(first)...Int(last), to: master)
            for replica in parts[3...].compactMap({ SlotMap.address($0, origin) }) where !replicas.contains(replica) {
                replicas.append(replica)
            }
        }
        if masters.isEmpty { return nil }
    }

    private static func address(_ reply: RedisReply, _ origin: RedisAddress) -> RedisAddress? {
        guard let parts = reply.array, parts.count >= 2, let number = parts[1].integer, let port = UInt16(exactly: number), port > 0
        else { return nil }
        return RedisAddress(host: parts[0].text ?? "", port: port, from: origin)
    }

    mutating func assign(_ slots: ClosedRange<Int>, to address: RedisAddress) {
        let place = masters.firstIndex(of: address) ?? masters.count
        guard let owner = UInt16(exactly: place + 1) else { return }
        if place == masters.count { masters.append(address) }
        for slot in slots where owners.indices.contains(slot) { owners[slot] = owner }
    }

    /// Whether every slot has a master that is known.
    var isComplete: Bool { !owners.contains(0) }

    func master(of slot: Int) -> RedisAddress? {
        guard owners.indices.contains(slot), owners[slot] > 0 else { return nil }
        return masters[Int(owners[slot]) - 1]
    }
}

/// Where a server of a cluster sent a command: for good (`MOVED`), or this once while a slot moves (`ASK`).
struct Redirection {
    let slot: Int
    let address: RedisAddress

    /// `MOVED 3999 127.0.0.1:6381`
    init?(_ failure: RedisFailure, from origin: RedisAddress) {
        let parts = failure.serverText.split(separator: " ")
        guard parts.count >= 3, let slot = Int(parts[1]), (0..<KeySlot.count).contains(slot),
            let address = RedisAddress(clusterText: parts[2], from: origin)
        else { return nil }
        self.slot = slot
        self.address = address
    }
}
