// What went wrong on threads.
// SPDX-License-Identifier: Apache-2.0

import Foundation

package final class Failures: @unchecked Sendable {
    // Safety: touched under `lock`.
    private let lock = NSLock()
    private var texts: [String] = []

    package init() {}

    package var all: [String] { lock.withLock { texts } }

    package func note(_ text: String) { lock.withLock { texts.append(text) } }

    package func run(_ body: () throws -> Void) {
        do { try body() } catch { note("\(error)") }
    }
}
