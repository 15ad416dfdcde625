// SPDX-License-Identifier: Apache-2.0

import VecCollection

/// The key of a search: all that its hits depend on, but for the points.
struct ResultKey {
    enum Kind: UInt64 {
        case vectors, text, hybrid
    }

    private(set) var writer = ByteWriter()

    /// Of the form of keys and values.
    private static let version: UInt64 = 1

    init(_ kind: Kind, k: Int, filter: Condition?, collection: PointCollection) {
        writer.add(ResultKey.version)
        writer.add(kind.rawValue)
        writer.add(collection.uuid)
        writer.add(k)
        writer.add(filter) { $0.add(part: $1.filterBytes) }
    }

    mutating func add<E: VectorElement>(_ queries: [[E]]) {
        // Elements of 2 bytes and of 4 are halves and floats.
        writer.add(MemoryLayout<E>.size)
        writer.add(queries.count)
        for query in queries { writer.add(elements: query) }
    }

    mutating func add(_ words: String) { writer.add(words) }

    mutating func add(_ options: PointCollection.QueryOptions) {
        writer.add(options.vectorName) { $0.add($1) }
        writer.add(options.offset)
        writer.add(options.maxDistance) { $0.add($1) }
        writer.add(options.threshold) { $0.add($1) }
        writer.add(options.efSearch) { $0.add($1) }
        writer.add(options.targetRecall) { $0.add($1) }
        writer.add(options.exact)
        writer.add(options.diversity)
        writer.add(options.candidates)
        writer.add(options.withPayload)
        writer.add(options.withVector)
        // Hits do not depend on `threads`.
    }

    mutating func add(_ options: PointCollection.TextOptions) {
        writer.add(ResultKey.place(options.mode))
        writer.add(options.fields) { writer, fields in
            writer.add(fields.count)
            for (path, weight) in fields.sorted(by: { $0.key < $1.key }) {
                writer.add(path)
                writer.add(weight)
            }
        }
    }

    mutating func add(_ options: PointCollection.HybridOptions) {
        writer.add(ResultKey.place(options.fusion))
        writer.add(options.vectorWeight)
        writer.add(options.textWeight)
        writer.add(options.candidates)
    }

    private static func place<Value: CaseIterable & Equatable>(_ value: Value) -> Int {
        Value.allCases.enumerated().first { $0.element == value }?.offset ?? -1
    }

    /// The key of the search of the points of a moment.
    func bytes(_ revision: UInt64) -> [UInt8] {
        var writer = writer
        writer.add(revision)
        return writer.bytes
    }
}
