// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Who a client says it is on each connection.
struct RedisLogin: Sendable {
    let user: Secret?
    let password: Secret?
    let database: Int

    init(_ url: RedisURL) {
        user = url.user
        password = url.password
        database = url.database
    }
}

extension RedisConnection {
    /// Says who we are, in one round trip.
    func logIn(_ login: RedisLogin, until deadline: Deadline) throws(VecStoreError) {
        var commands: [RedisCommand] = []
        if let password = login.password {
            commands.append(RedisCommand([Array("AUTH".utf8)] + (login.user.map { [$0.bytes] } ?? []) + [password.bytes]))
        }
        let named = commands.count
        commands.append(RedisCommand("CLIENT", "SETNAME", "vecstore"))
        if login.database != 0 { commands.append(RedisCommand("SELECT", login.database)) }
        let replies = try ask(commands, until: deadline)
        if named == 1, case .error(let failure) = replies[0] {
            // The words of the server are left out: where it knows no AUTH it repeats what came with it.
            let hint = failure.word == "WRONGPASS" ? "they do not fit" : "it has no password, or knows no users"
            throw VecStoreError(.invalidArgument, "Redis at \(address) refused the user or the password (\(failure.word)): \(hint)")
        }
        // The name is for people who look at the server; a user who may not set one does without.
        if case .error(let failure) = replies[named], failure.word != "NOPERM" { try refuse(failure) }
        if login.database != 0, case .error(let failure) = replies[named + 1] {
            throw VecStoreError(
                .invalidArgument, "Redis at \(address) does not let us choose the database \(login.database): \(failure.message)")
        }
    }

    private func refuse(_ failure: RedisFailure) throws(VecStoreError) {
        switch failure.word {
        case "NOAUTH":
            throw VecStoreError(.invalidArgument, "Redis at \(address) asks for a password: redis://[user]:password@host")
        case "DENIED":
            throw VecStoreError(.unsupported, "Redis at \(address) is in protected mode and serves its own machine only")
        case "ERR" where failure.message.contains("max number of clients"):
            throw VecStoreError(.unavailable, "Redis at \(address) has as many clients as it allows")
        default: break
        }
    }

    /// Sends commands and waits for all replies.
    func ask(_ commands: [RedisCommand], until deadline: Deadline, alarm: Int32? = nil) throws(VecStoreError) -> [RedisReply] {
        var bytes: [UInt8] = []
        for command in commands { command.encode(into: &bytes) }
        begin(bytes, count: commands.count)
        RedisConnection.finish([self], until: deadline, alarm: alarm)
        if replies.count == commands.count { return replies }
        // A server that refuses a connection says so and closes it.
        if case .error(let failure)? = replies.first { try refuse(failure) }
        throw failure ?? VecStoreError(.unavailable, "Redis at \(address) closed the connection")
    }
}
