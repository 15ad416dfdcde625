// Lets every allocation of a call fail once.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VecIndex

/// Calls `body` again and again; in the n-th call the n-th allocation fails, until none does. Returns how many failed.
/// For a process of its own: the hook is that of all threads.
/// - Parameter check: Is called after each call of `body`.
func failEachAllocation(_ body: () throws -> Void, check: () throws -> Void) throws -> Int {
    var n = 0
    while n < 5000 {
        // The first ones each, then one here and there: training has hundreds.
        defer { n += n < 24 ? 1 : 13 }
        let count = Shared(0)
        Buffer.isDenied = { _ in
            count.change {
                $0 += 1
                return $0 == n + 1
            }
        }
        defer { Buffer.isDenied = nil }
        do {
            try body()
            Buffer.isDenied = nil
            if count.current <= n { return n }
            // A call may do without some of its memory.
        } catch let error as VecStoreError {
            Buffer.isDenied = nil
            try #require(error.code == .outOfMemory, "allocation \(n): \(error)")
        }
        try check()
    }
    throw Results.UnexpectedResult(message: "there is no end of allocations")
}
