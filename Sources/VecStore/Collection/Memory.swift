// SPDX-License-Identifier: Apache-2.0

import VecCollection

extension PointCollection {
    /// Where vectors and graphs lie while a collection is open.
    public enum Memory: Sendable, CaseIterable {
        /// Files are mapped: the system keeps what is used, as long as it has room.
        case mapped
        /// All is read when the collection is opened, graphs into memory of the process.
        case loaded
        /// Files are mapped, nothing is read ahead, and a search lets go of what it has read; graphs are in memory only while
        /// they are changed.
        case disk
    }
}

extension PointCollection.Memory {
    var internalValue: MemoryMode {
        switch self {
        case .mapped: .mapped
        case .loaded: .loaded
        case .disk: .disk
        }
    }

    init(_ mode: MemoryMode) {
        switch mode {
        case .mapped: self = .mapped
        case .loaded: self = .loaded
        case .disk: self = .disk
        }
    }
}
