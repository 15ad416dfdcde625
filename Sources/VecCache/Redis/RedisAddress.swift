// SPDX-License-Identifier: Apache-2.0

/// Where a server listens.
package enum RedisAddress: Sendable, Hashable, CustomStringConvertible {
    case tcp(host: String, port: UInt16)
    case unix(path: String)

    package var description: String {
        switch self {
        case .tcp(let host, let port): host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): path
        }
    }

    /// What a cluster writes: `host:port`, where the host may be an IPv6 address without brackets. An empty host is that of the
    /// server that wrote it.
    init?(clusterText text: Substring, from origin: RedisAddress) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0
        else { return nil }
        self.init(host: String(text[..<colon]), port: port, from: origin)
    }

    init?(host: String, port: UInt16, from origin: RedisAddress) {
        if !host.isEmpty && host != "?" {
            self = .tcp(host: host, port: port)
        } else if case .tcp(let same, _) = origin {
            self = .tcp(host: same, port: port)
        } else {
            return nil
        }
    }
}
