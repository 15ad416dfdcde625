// SPDX-License-Identifier: Apache-2.0

import VecCollection

extension PointCollection {
    /// Something that `repair` has found damaged.
    public struct Damage: Sendable, Hashable {
        public enum Part: String, Sendable, CaseIterable {
            case database, point, ids, graph, text
        }

        public let part: Part
        /// Of the vector, the field, or the point.
        public let name: String
        public let message: String
        /// Whether it is in order now. Points are not: what was written is lost.
        public let isRepaired: Bool
    }

    /// What `compact` did.
    public struct Compaction: Sendable, Hashable {
        /// What the files of the collection took on the disk.
        public let bytesBefore: Int
        /// What they take now.
        public let bytesAfter: Int
    }
}

extension PointCollection.Damage {
    init(_ damage: VecCollection.Damage) {
        part =
            switch damage.part {
            case .database: .database
            case .point: .point
            case .ids: .ids
            case .graph: .graph
            case .text: .text
            }
        name = damage.name
        message = damage.message
        isRepaired = damage.isRepaired
    }
}
