// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// What went wrong on threads.
final class Failures: @unchecked Sendable {
    // Safety: touched under `lock`.
    private let lock = Lock()
    private(set) var all: [String] = []

    func run(_ body: () throws -> Void) {
        do {
            try body()
        } catch {
            let text = "\(error)"
            lock.withLock { all.append(text) }
        }
    }
}
