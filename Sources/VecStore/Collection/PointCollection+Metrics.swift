// SPDX-License-Identifier: Apache-2.0

import VecCollection

extension PointCollection {
    /// Numbers about the collection for Prometheus, in its text format: calls and how long they took, points, bytes, work in the
    /// background.
    /// - Parameter name: What stands for the collection in the label `collection`; nil: the last part of its path.
    /// - Throws: `.io`, `.invalidHandle`.
    public func metrics(name: String? = nil) throws(VecStoreError) -> String {
        try rethrow { () throws(CoreError) in try CollectionMetrics.text([CollectionMetrics(core, name: name)]) }
    }

    /// The same about several collections in one text, by the names that stand for them.
    /// - Throws: `.io`, `.invalidHandle`.
    public static func metrics(_ collections: [String: PointCollection]) throws(VecStoreError) -> String {
        try rethrow { () throws(CoreError) in
            var all: [CollectionMetrics] = []
            for (name, collection) in collections.sorted(by: { $0.key < $1.key }) {
                all.append(try CollectionMetrics(collection.core, name: name))
            }
            return try CollectionMetrics.text(all)
        }
    }

    /// Whether a collection can do its work.
    public struct Health: Sendable {
        public enum Status: String, Sendable {
            case ok
            /// It works, but something should be done.
            case degraded
            case failed
        }

        /// Something that is not as it should be.
        public struct Reason: Sendable {
            /// What to decide by, as in the C header: "disk_full", "graph_damaged" and so on.
            public let code: String
            public let status: Status
            /// What to read.
            public let message: String
        }

        /// That of the worst reason.
        public let status: Status
        public let reasons: [Reason]
    }

    /// Whether the collection can do its work. Some looks at files; nothing is read through. Of one that was closed, and in a child
    /// of `fork`, it is `.failed`.
    public func health() -> Health {
        let health = HealthReport(core)
        let reasons = health.reasons.map {
            Health.Reason(code: $0.code, status: Health.Status($0.status), message: $0.message)
        }
        return Health(status: Health.Status(health.status), reasons: reasons)
    }
}

extension PointCollection.Health.Status {
    fileprivate init(_ status: HealthReport.Status) {
        switch status {
        case .ok: self = .ok
        case .degraded: self = .degraded
        case .failed: self = .failed
        }
    }
}
