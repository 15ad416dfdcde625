// What has to be done when all tests are over: what they share is held by static properties, which nothing frees.
// SPDX-License-Identifier: Apache-2.0

import Foundation

private final class Bodies: @unchecked Sendable {
    // Safety: `all` is touched under `lock`.

    static let shared = Bodies()

    private let lock = NSLock()
    private var all: [@Sendable () -> Void] = []

    private init() { atexit { Bodies.shared.run() } }

    func add(_ body: @escaping @Sendable () -> Void) { lock.withLock { all.append(body) } }
    private func run() { for body in lock.withLock({ all }) { body() } }
}

/// Runs `body` when the process ends.
package func atEnd(_ body: @escaping @Sendable () -> Void) { Bodies.shared.add(body) }
