// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// How a client behaves. Times are in milliseconds.
package struct RedisOptions: Sendable, Equatable {
    package var connectTimeout = 5000
    /// How long a call takes at most, with all that it tries.
    package var commandTimeout = 5000
    /// Connections to one server; calls beyond them wait for one.
    package var maxConnections = 8
    /// A connection that was idle for as long is asked whether it is alive before it is used.
    package var healthCheckAfter = 30_000
    /// How long to wait after the first attempt to connect that failed; after each further one twice as long, at most `maxBackoff`.
    package var minBackoff = 50
    package var maxBackoff = 5000
    /// How often a command is sent again, where that is safe.
    package var retries = 2
    package var tls = TLSOptions()
    /// Whether the server is one of a cluster; nil: it is asked.
    package var isCluster: Bool?
    /// How many failures in a row open the breaker, and for how long; each opening that follows lasts twice as long, at most
    /// `maxOpenTime`.
    package var breakerFailures = 5
    package var openTime = 1000
    package var maxOpenTime = 30_000

    package init() {}

    func check() throws(VecStoreError) {
        let day = 86_400_000
        try RedisOptions.check(connectTimeout, 1...day, "the connect time-out", "ms")
        try RedisOptions.check(commandTimeout, 1...day, "the command time-out", "ms")
        try RedisOptions.check(maxConnections, 1...10_000, "the maximum of connections", "")
        try RedisOptions.check(healthCheckAfter, 0...day, "the idle time before a health check", "ms")
        try RedisOptions.check(maxBackoff, 1...day, "the longest back-off", "ms")
        try RedisOptions.check(minBackoff, 1...maxBackoff, "the shortest back-off", "ms")
        try RedisOptions.check(retries, 0...100, "the number of retries", "")
        try RedisOptions.check(breakerFailures, 1...1_000_000, "the number of failures that open the breaker", "")
        try RedisOptions.check(maxOpenTime, 1...day, "the longest open time of the breaker", "ms")
        try RedisOptions.check(openTime, 1...maxOpenTime, "the open time of the breaker", "ms")
        try tls.check()
    }

    private static func check(_ value: Int, _ range: ClosedRange<Int>, _ what: String, _ unit: String) throws(VecStoreError) {
        guard range.contains(value) else {
            let unit = unit.isEmpty ? "" : " " + unit
            throw VecStoreError(
                .invalidArgument, "\(what) is \(value)\(unit); allowed are \(range.lowerBound) to \(range.upperBound)\(unit)")
        }
    }

    /// The wait after some failures in a row. Half of it is chance, so that many clients do not come back at the same moment.
    func backoff(failures: Int) -> Int {
        let longest = min(minBackoff << min(max(failures - 1, 0), 20), maxBackoff)
        return Int.random(in: longest / 2...longest)
    }
}

/// How a `rediss://` server is trusted, and how it trusts us. Paths are those of PEM files.
package struct TLSOptions: Sendable, Equatable {
    /// The authorities to trust; without a file and a directory, those that the system trusts.
    package var authorityFile: String?
    package var authorityDirectory: String?
    /// The name that the certificate must have; nil: the host of the URL.
    package var serverName: String?
    /// Whether the certificate is looked at. Without it anybody on the way can read and change everything.
    package var verifiesServer = true
    package var certificateFile: String?
    package var keyFile: String?

    package init() {}

    func check() throws(VecStoreError) {
        guard (certificateFile == nil) == (keyFile == nil) else {
            throw VecStoreError(.invalidArgument, "a client certificate and its key are given together, or neither of them")
        }
    }
}
