// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Where a Redis server is and who asks it: `redis://[user[:password]@]host[:port][/db]`, `rediss://…` with TLS, or
/// `unix://[user[:password]@]/path/of.socket[?db=1]`. What it shows of itself has no secrets.
package struct RedisURL: Sendable, Equatable, CustomStringConvertible {
    package var address: RedisAddress
    package var isEncrypted = false
    package var user: Secret?
    package var password: Secret?
    package var database = 0

    package static let defaultPort: UInt16 = 6379

    package init(_ address: RedisAddress) { self.address = address }

    package init(_ text: String) throws(VecStoreError) {
        let schemes = ["redis://", "rediss://", "unix://"]
        guard let scheme = schemes.first(where: { text.hasPrefix($0) }) else {
            throw RedisURL.refusal("it begins with redis://, rediss:// or unix://")
        }
        let rest = text.utf8.dropFirst(scheme.utf8.count)
        // A path of a unix socket may have anything but a question mark.
        let question = rest.firstIndex(of: UInt8(ascii: "?")) ?? rest.endIndex
        let slash = rest[..<question].firstIndex(of: UInt8(ascii: "/")) ?? question
        var authority = rest[..<slash]
        let path = try RedisURL.decoded(rest[slash..<question])
        address = .tcp(host: "localhost", port: RedisURL.defaultPort)
        if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
            try readUser(authority[..<at])
            authority = authority[authority.index(after: at)...]
        }
        if scheme == "unix://" {
            guard authority.isEmpty, path.count > 1 else {
                throw RedisURL.refusal("unix:// is followed by the absolute path of a socket: unix:///run/redis.sock")
            }
            address = .unix(path: String(decoding: path, as: UTF8.self))
        } else {
            isEncrypted = scheme == "rediss://"
            try readHost(authority)
            if path.count > 1 { database = try RedisURL.database(path.dropFirst()) }
        }
        try readQuery(rest[question...].dropFirst())
    }

    private mutating func readUser(_ text: Substring.UTF8View) throws(VecStoreError) {
        let colon = text.firstIndex(of: UInt8(ascii: ":")) ?? text.endIndex
        let name = try RedisURL.decoded(text[..<colon])
        if !name.isEmpty { user = Secret(name) }
        if colon != text.endIndex { password = Secret(try RedisURL.decoded(text[colon...].dropFirst())) }
        // Whether it is a user or a password is not to be guessed: one of them would be sent as the other.
        if user != nil && password == nil {
            throw RedisURL.refusal("a user has a password, which may be empty: user:password@ or :password@")
        }
    }

    private mutating func readHost(_ text: Substring.UTF8View) throws(VecStoreError) {
        var host = text
        var port: Substring.UTF8View?
        if text.first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]")) else {
                throw RedisURL.refusal("an IPv6 address stands in brackets: [::1]")
            }
            host = text[..<end].dropFirst()
            let rest = text[end...].dropFirst()
            guard rest.isEmpty || rest.first == UInt8(ascii: ":") else {
                throw RedisURL.refusal("a port follows ':' after the host")
            }
            if !rest.isEmpty { port = rest.dropFirst() }
        } else if let colon = text.firstIndex(of: UInt8(ascii: ":")) {
            host = text[..<colon]
            port = text[colon...].dropFirst()
        }
        let name = try RedisURL.decoded(host)
        let number = try port.map { text throws(VecStoreError) in try RedisURL.port(text) } ?? RedisURL.defaultPort
        address = .tcp(host: try RedisURL.host(name), port: number)
    }

    private mutating func readQuery(_ text: Substring.UTF8View) throws(VecStoreError) {
        for pair in text.split(separator: UInt8(ascii: "&")) {
            guard pair.starts(with: "db=".utf8) else { throw RedisURL.refusal("the only parameter after '?' is db=NUMBER") }
            database = try RedisURL.database(try RedisURL.decoded(pair.dropFirst(3)))
        }
    }

    // MARK: - Parts

    /// An empty host is this machine.
    static func host(_ bytes: [UInt8]) throws(VecStoreError) -> String {
        if bytes.isEmpty { return "localhost" }
        let isPlain = bytes.allSatisfy { $0 > 0x20 && $0 < 0x7f && !"/@[]?#".utf8.contains($0) }
        guard bytes.count <= 255 && isPlain else {
            throw refusal("a host has at most 255 bytes of ASCII, without spaces and any of /@[]?#")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func port(_ text: some Sequence<UInt8>) throws(VecStoreError) -> UInt16 {
        guard let port = UInt16(String(decoding: Array(text), as: UTF8.self)), port > 0 else {
            throw refusal("a port is a number from 1 to 65535")
        }
        return port
    }

    static func database(_ text: some Sequence<UInt8>) throws(VecStoreError) -> Int {
        guard let number = Int32(String(decoding: Array(text), as: UTF8.self)), number >= 0 else {
            throw refusal("a database is a number from 0 on, without anything behind it")
        }
        return Int(number)
    }

    private static func decoded(_ text: Substring.UTF8View) throws(VecStoreError) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexDigit), let low = rest.popFirst().flatMap(hexDigit) else {
                throw refusal("'%' is followed by two hexadecimal digits; '%' itself is written %25")
            }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Nothing of the text is repeated: any part of it may be a password that was not escaped.
    static func refusal(_ reason: String) -> VecStoreError {
        VecStoreError(.invalidArgument, "the URL of the Redis server is not valid: \(reason)")
    }

    package var description: String {
        switch address {
        case .tcp: "\(isEncrypted ? "rediss" : "redis")://\(address)" + (database == 0 ? "" : "/\(database)")
        case .unix: "unix://\(address)" + (database == 0 ? "" : "?db=\(database)")
        }
    }
}
