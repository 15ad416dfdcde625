// SPDX-License-Identifier: Apache-2.0

/// What went wrong: a code that programs decide by and a sentence that people read.
package struct VecStoreError: Error, Sendable {
    /// The values of `vecstore_status`: never renumber them.
    package enum Code: Int32, Sendable {
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

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// No memory for `bytes` bytes of `what`.
    package static func outOfMemory(_ what: String, bytes: Int) -> VecStoreError {
        VecStoreError(.outOfMemory, "no memory for \(what) (\(bytes) bytes)")
    }
}
