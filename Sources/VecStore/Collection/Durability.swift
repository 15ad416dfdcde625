// SPDX-License-Identifier: Apache-2.0

import VecCollection

extension PointCollection {
    /// When a write has reached the disk. An end of the process takes nothing in any case.
    public enum Durability: Sendable, CaseIterable {
        /// Before the call returns: it survives a loss of power.
        case full
        /// Soon after: a loss of power may take the last writes, whole ones, and nothing else.
        case normal
        /// When the system gets to it: a loss of power may damage the collection.
        case none
    }
}

extension PointCollection.Durability {
    var internalValue: VecCollection.Durability {
        switch self {
        case .full: .full
        case .normal: .normal
        case .none: .none
        }
    }
}
