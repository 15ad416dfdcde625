// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// A filter, and whether entries match it.
struct MetadataFilter {
    private let evaluator: FilterEvaluator

    /// - Throws: `.invalidArgument` for what is no filter: it is never taken for one that matches nothing.
    init(_ json: [UInt8], words: WordSource) throws(VecStoreError) {
        let filter = try json.withUnsafeBufferPointer { text throws(VecStoreError) in try Filter(json: text) }
        let tokenizer = try words.tokenizer()
        evaluator = FilterEvaluator(filter) { _ in tokenizer }
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
