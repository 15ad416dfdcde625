// SPDX-License-Identifier: Apache-2.0

import VecCache

/// How a Redis, or a cluster of them, is asked. Times are by milliseconds, and up to a day.
public struct RedisOptions: Sendable, Hashable {
    /// Of the attempt to connect.
    public var connectTimeout: Duration
    /// Of a call, with all that it tries.
    public var commandTimeout: Duration
    /// To one server, 1 to 10,000. Calls beyond them wait for one.
    public var maxConnections: Int
    /// A connection that was idle for as long is asked whether it is alive before it is used.
    public var healthCheckAfter: Duration
    /// How often something is sent again, where doing it twice is safe; 0 to 100.
    public var retries: Int
    /// Failures in a row after which nobody waits for the server any more, 1 to 1,000,000.
    public var breakerFailures: Int
    /// Until it is tried again; twice as long after each failure, up to 30 seconds.
    public var breakerOpenTime: Duration
    /// Whether the server is one of a cluster; nil: it is asked.
    public var isCluster: Bool?
    public var tls: TLS

    public init(
        connectTimeout: Duration = .seconds(5), commandTimeout: Duration = .seconds(5), maxConnections: Int = 8,
        healthCheckAfter: Duration = .seconds(30), retries: Int = 2, breakerFailures: Int = 5, breakerOpenTime: Duration = .seconds(1),
        isCluster: Bool? = nil, tls: TLS = TLS()
    ) {
        self.connectTimeout = connectTimeout
        self.commandTimeout = commandTimeout
        self.maxConnections = maxConnections
        self.healthCheckAfter = healthCheckAfter
        self.retries = retries
        self.breakerFailures = breakerFailures
        self.breakerOpenTime = breakerOpenTime
        self.isCluster = isCluster
        self.tls = tls
    }

    /// How a `rediss://` server is trusted, and how it trusts this client.
    public struct TLS: Sendable, Hashable {
        /// PEM file of the authorities to trust; without it and the directory, those that the system trusts.
        public var caFile: String?
        public var caDirectory: String?
        /// What the certificate must be for; nil: the host of the URL.
        public var serverName: String?
        /// Whether the certificate is looked at. Without that anybody on the way may read and change all.
        public var verifiesServer: Bool
        /// PEM files of the client's own; both or neither.
        public var certificateFile: String?
        public var keyFile: String?

        public init(
            caFile: String? = nil, caDirectory: String? = nil, serverName: String? = nil, verifiesServer: Bool = true,
            certificateFile: String? = nil, keyFile: String? = nil
        ) {
            self.caFile = caFile
            self.caDirectory = caDirectory
            self.serverName = serverName
            self.verifiesServer = verifiesServer
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }
    }
}

extension RedisOptions {
    var internalValue: VecCache.RedisOptions {
        var options = VecCache.RedisOptions()
        options.connectTimeout = Int(connectTimeout.milliseconds)
        options.commandTimeout = Int(commandTimeout.milliseconds)
        options.maxConnections = maxConnections
        options.healthCheckAfter = Int(healthCheckAfter.milliseconds)
        options.retries = retries
        options.breakerFailures = breakerFailures
        options.openTime = Int(breakerOpenTime.milliseconds)
        options.isCluster = isCluster
        options.tls.authorityFile = tls.caFile
        options.tls.authorityDirectory = tls.caDirectory
        options.tls.serverName = tls.serverName
        options.tls.verifiesServer = tls.verifiesServer
        options.tls.certificateFile = tls.certificateFile
        options.tls.keyFile = tls.keyFile
        return options
    }
}
