// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

extension RedisURL {
    /// Where a text says that the server is; nil: where the environment says it.
    package static func from(_ text: String?) throws(VecStoreError) -> RedisURL {
        guard let text else { return try fromEnvironment() }
        return try RedisURL(text)
    }

    /// What the environment says: `REDIS_URL`, or else `REDIS_HOST`, `REDIS_PORT`, `REDIS_DB`, `REDIS_USERNAME` and
    /// `REDIS_PASSWORD`, each of which may be missing; without any of them, this machine. An empty variable counts as missing.
    package static func fromEnvironment(
        _ variable: (String) -> String? = { name in getenv(name).map { String(cString: $0) } }
    ) throws(VecStoreError) -> RedisURL {
        func value(_ name: String) -> String? { variable(name).flatMap { $0.isEmpty ? nil : $0 } }
        if let text = value("REDIS_URL") { return try RedisURL(text) }
        let host = try host(Array((value("REDIS_HOST") ?? "").utf8))
        var port = defaultPort
        if let text = value("REDIS_PORT") { port = try RedisURL.port(text.utf8) }
        var url = RedisURL(.tcp(host: host, port: port))
        if let text = value("REDIS_DB") { url.database = try RedisURL.database(text.utf8) }
        url.user = value("REDIS_USERNAME").map { Secret($0) }
        url.password = value("REDIS_PASSWORD").map { Secret($0) }
        if url.user != nil && url.password == nil {
            throw VecStoreError(.invalidArgument, "REDIS_USERNAME is set, but REDIS_PASSWORD is not")
        }
        return url
    }
}
