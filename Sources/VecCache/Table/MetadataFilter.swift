// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// A filter, and whether entries match it.
struct MetadataFilter {
    private let evaluator: FilterEvaluator
    /// What it asks for, where that is that all of some paths have a value; nil: it asks for something else.
    let values: [(path: PayloadPath, value: ValueColumn.Value)]?

    /// - Throws: `.invalidArgument` for what is no filter: it is never taken for one that matches nothing.
    init(_ json: [UInt8], words: WordSource) throws(VecStoreError) {
        let filter = try json.withUnsafeBufferPointer { text throws(VecStoreError) in try Filter(json: text) }
        let tokenizer = try words.tokenizer()
        evaluator = FilterEvaluator(filter) { _ in tokenizer }
        values = MetadataFilter.values(filter)
    }

    private static func values(_ filter: Filter) -> [(path: PayloadPath, value: ValueColumn.Value)]? {
        guard !filter.must.isEmpty, filter.should.isEmpty, filter.mustNot.isEmpty, filter.minShould == nil else { return nil }
        var values: [(path: PayloadPath, value: ValueColumn.Value)] = []
        for condition in filter.must {
            guard case .field(let path, .match(.value(let value))) = condition else { return nil }
            switch value {
            case .string(let text): values.append((path, .text(Array(text.utf8))))
            case .integer(let integer): values.append((path, .integer(integer)))
            case .bool(let bool): values.append((path, .bool(bool)))
            }
        }
        return values
    }

    func matches(_ id: EntryID, _ metadata: JSONValue?) throws(VecStoreError) -> Bool {
        try evaluator.matches(FilterEvaluator.Point(id: .text(id.text), payload: metadata, vectors: []))
    }

    func matches(_ record: EntryRecord) throws(VecStoreError) -> Bool {
        try record.withMetadata { bytes throws(VecStoreError) in
            if bytes.isEmpty { return try matches(record.id, nil) }
            let document = try Metadata.parse(bytes)
            defer { withExtendedLifetime(document) {} }
            return try matches(record.id, document.root)
        }
    }
}

/// The words of texts, for conditions that ask for words.
final class WordSource: @unchecked Sendable {
    // Safety: `made` is touched under `lock`.

    private let lock = Lock()
    private var made: Tokenizer?

    func tokenizer() throws(VecStoreError) -> Tokenizer {
        try lock.withLock { () throws(VecStoreError) in
            if let made { return made }
            let tokenizer = try Tokenizer(.words)
            made = tokenizer
            return tokenizer
        }
    }
}
