// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// When a write has reached the disk.
package enum Durability: String, CaseIterable, Sendable {
    /// Before the call returns: what was acknowledged survives a loss of power.
    case full
    /// Soon after: a loss of power may take the last writes, whole ones, and nothing else. An end of the process takes nothing.
    case normal
    /// When the system gets to it: a loss of power may damage the collection. An end of the process takes nothing.
    case none
}

/// How a collection is opened.
package struct CollectionOptions: Sendable {
    package var isReadOnly: Bool
    package var durability: Durability
    /// Threads that index points in the background, resolved: at least 1.
    package var indexThreads: Int

    package init(isReadOnly: Bool = false, durability: Durability = .full, indexThreads: Int = 0) {
        self.isReadOnly = isReadOnly
        self.durability = durability
        self.indexThreads = ThreadPool.threads(indexThreads)
    }
}
