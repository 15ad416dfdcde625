// SPDX-License-Identifier: Apache-2.0

/// What can be an argument: bytes, whatever they are.
package protocol RedisArgument {
    var redisBytes: [UInt8] { get }
}

extension Array: RedisArgument where Element == UInt8 {
    package var redisBytes: [UInt8] { self }
}

extension String: RedisArgument {
    package var redisBytes: [UInt8] { Array(utf8) }
}

extension FixedWidthInteger {
    package var redisBytes: [UInt8] { Array(String(self).utf8) }
}

extension Int: RedisArgument {}
extension Int64: RedisArgument {}

/// A command with its arguments.
package struct RedisCommand: Sendable {
    /// The name is the first of them.
    package let arguments: [[UInt8]]
    /// Which argument is the key that says where in a cluster the command belongs; nil: any server will do.
    package let keyIndex: Int?
    /// Whether the command may be sent again when nobody knows whether it was carried out: a second time changes nothing more.
    package let isRepeatable: Bool
    /// Its source, where the command runs a script by its digest.
    let script: RedisScript?

    /// - Parameters:
    ///   - keyIndex: For most commands the key follows the name. For others, such as XREAD, it has to be told; nil for those without.
    ///   - isRepeatable: nil: as is known of the command; what is not known is not repeated.
    package init(
        _ name: String, _ arguments: any RedisArgument..., keyIndex: Int? = 1, isRepeatable: Bool? = nil
    ) {
        self.init([Array(name.utf8)] + arguments.map(\.redisBytes), keyIndex: keyIndex, isRepeatable: isRepeatable)
    }

    package init(_ arguments: [[UInt8]], keyIndex: Int? = 1, isRepeatable: Bool? = nil) {
        self.arguments = arguments
        self.keyIndex = keyIndex.flatMap { arguments.indices.contains($0) ? $0 : nil }
        self.isRepeatable = isRepeatable ?? RedisCommand.isKnownToBeRepeatable(arguments)
        script = nil
    }

    /// Runs a script on keys that are in the same slot.
    package init(_ script: RedisScript, keys: [[UInt8]], arguments: [[UInt8]], isRepeatable: Bool) {
        self.arguments = [Array("EVALSHA".utf8), script.digest, Array(String(keys.count).utf8)] + keys + arguments
        keyIndex = keys.isEmpty ? nil : 3
        self.isRepeatable = isRepeatable
        self.script = script
    }

    var key: [UInt8]? { keyIndex.flatMap { arguments.indices.contains($0) ? arguments[$0] : nil } }

    /// Reads, and writes that leave the same behind when they are done twice, whatever happened between.
    private static let repeatable: Set<String> = [
        "CLUSTER", "COMMAND", "DBSIZE", "DEL", "ECHO", "EXISTS", "EXPIREAT", "GET", "HDEL", "HEXISTS", "HGET",
        "HGETALL", "HKEYS", "HLEN", "HMGET", "HMSET", "HSCAN", "HSET", "HSTRLEN", "INFO", "LLEN", "LRANGE", "MEMORY",
        "MGET", "MSET", "PEXPIREAT", "PING", "PTTL", "SADD", "SCAN", "SCARD", "SISMEMBER", "SMEMBERS", "SREM",
        "STRLEN", "TIME", "TTL", "TYPE", "UNLINK", "XINFO", "XLEN", "XRANGE", "XREAD", "XREVRANGE", "ZCARD", "ZCOUNT",
        "ZRANGE", "ZRANGEBYSCORE", "ZREM", "ZSCAN", "ZSCORE",
    ]

    private static func isKnownToBeRepeatable(_ arguments: [[UInt8]]) -> Bool {
        let name = String(decoding: arguments.first ?? [], as: UTF8.self).uppercased()
        // With options it may be one that only sets what is not there, whose second answer is another one.
        return repeatable.contains(name) || name == "SET" && arguments.count == 3
    }

    // MARK: - As bytes

    /// Appends the command as it is sent.
    /// - Parameter asSource: Whether a script goes as its source, for a server that does not know it.
    func encode(into bytes: inout [UInt8], asSource: Bool = false) {
        RedisCommand.append(UInt8(ascii: "*"), arguments.count, &bytes)
        for (i, argument) in arguments.enumerated() {
            if asSource, i < 2, let script {
                RedisCommand.append(i == 0 ? Array("EVAL".utf8) : script.source, &bytes)
            } else {
                RedisCommand.append(argument, &bytes)
            }
        }
    }

    private static func append(_ argument: [UInt8], _ bytes: inout [UInt8]) {
        append(UInt8(ascii: "$"), argument.count, &bytes)
        bytes += argument
        bytes += [13, 10]
    }

    private static func append(_ kind: UInt8, _ count: Int, _ bytes: inout [UInt8]) {
        bytes.append(kind)
        bytes += String(count).utf8
        bytes += [13, 10]
    }
}
