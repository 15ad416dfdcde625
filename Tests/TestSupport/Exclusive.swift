// What a test needs for itself, because there is one for the whole process.
// SPDX-License-Identifier: Apache-2.0

import Foundation

private let lock = NSLock()

/// Runs `body` while no other test that asks for this runs: for what is set for the whole process.
package func alone<R>(_ body: () throws -> R) rethrows -> R {
    lock.lock()
    defer { lock.unlock() }
    return try body()
}
