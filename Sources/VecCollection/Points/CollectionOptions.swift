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

/// Where vectors and graphs lie while a collection is open.
package enum MemoryMode: String, CaseIterable, Sendable {
    /// Files are mapped: the system keeps what is used, as long as it has room.
    case mapped
    /// All is read when the collection is opened; graphs are copied into memory of the process.
    case loaded
    /// Files are mapped, nothing is read ahead, and what a search has read is let go of after it. Graphs are held in memory only while
    /// they are changed.
    case disk
}

/// How a collection is opened.
package struct CollectionOptions: Sendable {
    package var isReadOnly: Bool
    package var durability: Durability
    /// Threads that index points in the background, resolved: at least 1.
    package var indexThreads: Int

    package var memory: MemoryMode
    /// Most bytes of memory that the collection may ask for; nil: as many as there are.
    package var memoryBudget: Int?

    package init(
        isReadOnly: Bool = false, durability: Durability = .full, indexThreads: Int = 0, memory: MemoryMode = .mapped,
        memoryBudget: Int? = nil
    ) {
        self.memory = memory
        self.memoryBudget = memoryBudget
        self.isReadOnly = isReadOnly
        self.durability = durability
        self.indexThreads = ThreadPool.threads(indexThreads)
    }
}
