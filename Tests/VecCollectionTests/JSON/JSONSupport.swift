// Bytes and payloads from text, and messages of errors, for tests.
// SPDX-License-Identifier: Apache-2.0

import VecIndex

@testable import VecCollection

func withBytes<R>(_ text: String, _ body: (UnsafeBufferPointer<UInt8>) throws(VecStoreError) -> R) throws(VecStoreError) -> R {
    try withBytes(Array(text.utf8), body)
}

func withBytes<R>(_ bytes: [UInt8], _ body: (UnsafeBufferPointer<UInt8>) throws(VecStoreError) -> R) throws(VecStoreError) -> R {
    let result: Result<R, VecStoreError> = bytes.withUnsafeBufferPointer { bytes in
        do throws(VecStoreError) {
            return .success(try body(bytes))
        } catch {
            return .failure(error)
        }
    }
    return try result.get()
}

func payload(_ text: String) throws(VecStoreError) -> JSONDocument {
    try withBytes(text) { (bytes) throws(VecStoreError) in try checkPayload(bytes) }
}

/// The message of the error that `body` throws.
func message<R>(_ body: () throws(VecStoreError) -> R) -> String {
    do throws(VecStoreError) {
        _ = try body()
        return "no error"
    } catch {
        return error.message
    }
}
