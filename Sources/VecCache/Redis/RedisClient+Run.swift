// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Sending commands, and sending them again where that is safe.
extension RedisClient {
    /// A command that has no answer yet.
    private struct Attempt {
        let index: Int
        /// How often it was sent again because something failed.
        var tries = 0
        /// How often a cluster sent it elsewhere.
        var redirects = 0
        /// Where a cluster sent it.
        var target: RedisAddress?
        var isAsking = false
        var asSource = false
    }

    private enum Outcome {
        case reply(RedisReply, from: RedisAddress)
        case failure(VecStoreError, at: RedisAddress, mayHaveBeenSeen: Bool)
        /// The breaker let nobody through.
        case leftAlone(VecStoreError, RedisAddress)

        var reply: RedisReply {
            switch self {
            case .reply(let reply, _): reply
            case .failure(let error, _, _), .leftAlone(let error, _): .error(RedisFailure(error))
            }
        }
    }

    /// What has to be done before the next attempt.
    private struct Preparation {
        var pause = 0
        var needsMap = false
        var avoided = Set<RedisAddress>()
    }

    private static let maxRedirects = 8

    /// One reply for each command.
    func run(_ commands: [RedisCommand], until deadline: Deadline) throws(VecStoreError) -> [RedisReply] {
        try checkUsable()
        counters.add(.commands, commands.count)
        prepare(until: deadline)
        var replies = [RedisReply](repeating: .null, count: commands.count)
        var pending = commands.indices.map { Attempt(index: $0) }
        var preparation = Preparation()
        while !pending.isEmpty {
            let outcomes = exchange(commands, pending, preparation.avoided, until: deadline)
            preparation = Preparation()
            var next: [Attempt] = []
            for (attempt, outcome) in zip(pending, outcomes) {
                if let again = again(attempt, commands[attempt.index], outcome, &preparation), !deadline.hasPassed {
                    next.append(again)
                } else {
                    replies[attempt.index] = outcome.reply
                }
            }
            if !next.isEmpty {
                counters.add(.retries, next.count)
                if preparation.pause > 0 { pause(milliseconds: preparation.pause, until: deadline) }
                if preparation.needsMap && isCluster { refreshMap(until: deadline, avoiding: preparation.avoided) }
            } else if preparation.needsMap {
                doubtMap()
            }
            pending = next
        }
        counters.add(.errors, replies.count { if case .error = $0 { true } else { false } })
        return replies
    }

    // MARK: - One round

    private func exchange(
        _ commands: [RedisCommand], _ attempts: [Attempt], _ avoided: Set<RedisAddress>, until deadline: Deadline
    ) -> [Outcome] {
        var groups: [RedisAddress: [Int]] = [:]
        for (i, attempt) in attempts.enumerated() {
            groups[attempt.target ?? route(commands[attempt.index], avoiding: avoided), default: []].append(i)
        }
        var outcomes = [Outcome?](repeating: nil, count: attempts.count)
        var visits: [(visit: RedisNode.Visit, places: [Int])] = []
        // All calls take connections in the same order, so that no two wait for each other.
        for (address, places) in groups.sorted(by: { $0.key.description < $1.key.description }) {
            do throws(VecStoreError) {
                let node = node(address)
                guard let visit = try node.enter(until: deadline) else {
                    for i in places { outcomes[i] = .leftAlone(node.isLeftAlone, address) }
                    continue
                }
                send(commands, places.map { attempts[$0] }, visit.connection)
                visits.append((visit, places))
            } catch {
                for i in places { outcomes[i] = .failure(error, at: address, mayHaveBeenSeen: false) }
            }
        }
        RedisConnection.finish(visits.map(\.visit.connection), until: deadline)
        for (visit, places) in visits { collect(visit, places, attempts, &outcomes) }
        let lost = VecStoreError(.internalError, "a command to Redis got lost")
        return outcomes.map { $0 ?? .failure(lost, at: url.address, mayHaveBeenSeen: true) }
    }

    private func send(_ commands: [RedisCommand], _ attempts: [Attempt], _ connection: RedisConnection) {
        var bytes: [UInt8] = []
        for attempt in attempts {
            if attempt.isAsking { RedisClient.asking.encode(into: &bytes) }
            commands[attempt.index].encode(into: &bytes, asSource: attempt.asSource)
        }
        connection.begin(bytes, count: attempts.count + attempts.count(where: \.isAsking))
    }

    private static let asking = RedisCommand("ASKING", keyIndex: nil)

    private func collect(_ visit: RedisNode.Visit, _ places: [Int], _ attempts: [Attempt], _ outcomes: inout [Outcome?]) {
        let connection = visit.connection, address = connection.address
        var replies = connection.replies[...]
        var isUsable = true
        for i in places {
            if attempts[i].isAsking { _ = replies.popFirst() }
            if let reply = replies.popFirst() {
                // The server has become a replica; its name may stand for another by now, which the next connection finds out.
                if case .error(let failure) = reply, failure.word == "READONLY" { isUsable = false }
                outcomes[i] = .reply(reply, from: address)
            } else if let failure = connection.failure {
                outcomes[i] = .failure(failure, at: address, mayHaveBeenSeen: connection.mayHaveBeenSeen)
            }
        }
        visit.end(isUsable: isUsable)
    }

    // MARK: - Once more

    /// The next attempt of a command; nil where this outcome is the last.
    private func again(
        _ attempt: Attempt, _ command: RedisCommand, _ outcome: Outcome, _ preparation: inout Preparation
    ) -> Attempt? {
        var next = attempt
        next.target = nil
        next.isAsking = false
        switch outcome {
        case .reply(.error(let failure), let origin):
            return again(next, command, failure, from: origin, &preparation)
        case .reply: return nil
        case .failure(let error, let address, let mayHaveBeenSeen):
            guard error.code == .unavailable else { return nil }
            preparation.needsMap = true
            preparation.avoided.insert(address)
            guard !mayHaveBeenSeen || command.isRepeatable else { return nil }
        case .leftAlone(_, let address):
            preparation.needsMap = true
            preparation.avoided.insert(address)
            // Only in a cluster can another server have taken over.
            guard isCluster else { return nil }
        }
        guard attempt.tries < options.retries else { return nil }
        next.tries += 1
        return next
    }

    /// After a refusal, which means that nothing was done.
    private func again(
        _ attempt: Attempt, _ command: RedisCommand, _ failure: RedisFailure, from origin: RedisAddress,
        _ preparation: inout Preparation
    ) -> Attempt? {
        var next = attempt
        switch failure.word {
        case "NOSCRIPT":
            guard command.script != nil && !attempt.asSource else { return nil }
            next.asSource = true
            return next
        case "MOVED", "ASK":
            guard options.isCluster != false, attempt.redirects < RedisClient.maxRedirects,
                let redirection = Redirection(failure, from: origin)
            else { return nil }
            next.redirects += 1
            next.target = redirection.address
            counters.add(.redirects)
            if failure.word == "ASK" {
                next.isAsking = true
            } else {
                learn(redirection)
                preparation.needsMap = true
            }
            return next
        case "TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "READONLY":
            preparation.needsMap = true
            guard attempt.tries < options.retries else { return nil }
            next.tries += 1
            preparation.pause = max(preparation.pause, options.backoff(failures: next.tries))
            return next
        default: return nil
        }
    }
}
