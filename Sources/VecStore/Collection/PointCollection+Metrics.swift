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

    /// Whether the collection can do its work. Some looks at files; nothing is read through. Of one that was closed, and in a child
    /// of `fork`, it is `.failed`.
    public func health() -> Health { Health(HealthReport(core)) }
}
