// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// What a server answered to one command.
package enum RedisReply: Sendable, Equatable {
    /// A status such as `OK`.
    case simple(String)
    case bytes([UInt8])
    case integer(Int64)
    case array([RedisReply])
    case null
    /// The server refused, or could not be asked.
    case error(RedisFailure)

    /// The reply, unless it is an error, which is thrown.
    package func checked() throws(VecStoreError) -> RedisReply {
        if case .error(let failure) = self { throw failure.error }
        return self
    }

    package var isNull: Bool { self == .null }

    package var bytes: [UInt8]? {
        switch self {
        case .bytes(let bytes): bytes
        case .simple(let text): Array(text.utf8)
        default: nil
        }
    }

    package var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    /// A number, also one that is written in digits, as values of hashes are.
    package var integer: Int64? {
        if case .integer(let number) = self { return number }
        return text.flatMap { Int64($0) }
    }

    package var array: [RedisReply]? {
        if case .array(let elements) = self { return elements }
        return nil
    }
}

/// Why a command has no answer.
package struct RedisFailure: Sendable, Equatable {
    /// What the error of a server begins with, such as `WRONGTYPE`; empty where no server said it.
    package let word: String
    package let code: VecStoreError.Code
    package let message: String
    /// What the server said.
    let serverText: String

    package var error: VecStoreError { VecStoreError(code, message) }

    /// What could not be sent, or got no answer.
    init(_ error: VecStoreError) {
        word = ""
        serverText = ""
        code = error.code
        message = error.message
    }

    /// What a server said.
    init(serverText text: String) {
        // Servers repeat the arguments of commands that they do not know; these may be anything, a password too.
        serverText = String(text.firstRange(of: ", with args").map { text[..<$0.lowerBound] } ?? text[...])
        word = String(text.prefix { $0 != " " })
        code =
            switch word {
            case "LOADING", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "READONLY", "BUSY", "MOVED", "ASK": .unavailable
            case "NOAUTH", "WRONGPASS": .invalidArgument
            case "NOPERM", "DENIED": .unsupported
            case "OOM": .outOfMemory
            default: text.hasPrefix("ERR unknown command") ? .unsupported : .io
            }
        message = "Redis refused a command: \(serverText)"
    }
}
