// Expects an error of the library.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VecIndex

/// Expects that `body` throws an error with a code, and gives its message to look at.
@discardableResult
func expectError(
    _ code: VecStoreError.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) -> String {
    let error = #expect(throws: VecStoreError.self, sourceLocation: sourceLocation, performing: body)
    #expect(error?.code == code, sourceLocation: sourceLocation)
    return error?.message ?? ""
}
