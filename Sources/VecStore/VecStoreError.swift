// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The error of the modules below.
typealias CoreError = VecIndex.VecStoreError

/// What went wrong: a code to decide by and a sentence to read.
public struct VecStoreError: Error, Sendable, CustomStringConvertible {
    /// The codes of the C header.
    public enum Code: Int32, Sendable {
        case invalidArgument = 1
        case invalidHandle = 2
        case unsupported = 3
        case notFinite = 4
        case zeroVector = 5
        case notFound = 6
        case alreadyExists = 7
        case readOnly = 8
        case outOfMemory = 9
        case io = 10
        case corrupt = 11
        case newerVersion = 12
        case tooLarge = 13
        case cancelled = 14
        case locked = 15
        case unavailable = 16
        case internalError = 99
    }

    public let code: Code
    public let message: String

    public var description: String { message }

    init(_ error: CoreError) {
        code = Code(rawValue: error.code.rawValue) ?? .internalError
        message = error.message
    }
}

/// Runs `body`; turns the library's error into the public one.
func rethrow<R>(_ body: () throws(CoreError) -> R) throws(VecStoreError) -> R {
    do {
        return try body()
    } catch {
        throw VecStoreError(error)
    }
}
