// SPDX-License-Identifier: Apache-2.0

import VecCollection

/// An index of a field of payloads, so that conditions on it need not look at payloads.
public struct PayloadIndex: Sendable, Hashable {
    /// Which values it holds.
    public enum Kind: Sendable, CaseIterable {
        /// Strings.
        case keyword
        case integer
        /// Any number.
        case float
        case bool
        /// Strings that are times.
        case datetime
        /// Places.
        case geo
        /// Words: what `searchText` needs.
        case text
    }

    /// How a text becomes words.
    public enum Tokenizer: Sendable, CaseIterable {
        /// Runs of letters and digits, in lower case and without accents.
        case words
        /// The same without the endings of English.
        case stems
        /// Every three characters in a row.
        case trigrams
    }

    /// As filters write it: "section", "a.b", "a[].b".
    public let path: String
    public let kind: Kind
    /// nil but for `.text`.
    public let tokenizer: Tokenizer?
}

extension PointCollection {
    /// Makes an index of a field, of the points that there are and of those to come. Filters work without one too. A field may
    /// have an index of each kind.
    /// - Parameters:
    ///   - path: As filters write it: "section", "a.b", "a[].b".
    ///   - kind: The values that it is for.
    ///   - tokenizer: Of `.text` alone.
    /// - Throws: `.invalidArgument`, `.alreadyExists`, `.readOnly`, `.io`, `.outOfMemory`, `.invalidHandle`.
    /// - Complexity: O(points).
    public func createPayloadIndex(
        _ path: String, _ kind: PayloadIndex.Kind, tokenizer: PayloadIndex.Tokenizer? = nil
    ) throws(VecStoreError) {
        try rethrow { () throws(CoreError) in
            try core.createPayloadIndex(
                path, type: kind.internalValue, tokenizer: tokenizer?.internalValue ?? .words)
        }
    }

    /// Removes an index. The values stay in the payloads.
    /// - Parameter kind: nil: all indexes of the field.
    /// - Throws: `.invalidArgument`, `.notFound`, `.readOnly`, `.io`, `.invalidHandle`.
    public func dropPayloadIndex(_ path: String, _ kind: PayloadIndex.Kind? = nil) throws(VecStoreError) {
        try rethrow { () throws(CoreError) in try core.dropPayloadIndex(path, type: kind?.internalValue) }
    }

    /// The indexes of fields that there are.
    /// - Throws: `.invalidHandle`.
    public func payloadIndexes() throws(VecStoreError) -> [PayloadIndex] {
        try rethrow { () throws(CoreError) in
            try core.payloadIndexes().map { (path, type, tokenizer) in
                let kind = PayloadIndex.Kind(type)
                return PayloadIndex(
                    path: path, kind: kind, tokenizer: kind == .text ? PayloadIndex.Tokenizer(tokenizer) : nil)
            }
        }
    }
}

extension PayloadIndex.Kind {
    fileprivate var internalValue: FieldIndexType {
        switch self {
        case .keyword: .keyword
        case .integer: .integer
        case .float: .float
        case .bool: .bool
        case .datetime: .datetime
        case .geo: .geo
        case .text: .text
        }
    }

    init(_ type: FieldIndexType) {
        switch type {
        case .keyword: self = .keyword
        case .integer: self = .integer
        case .float: self = .float
        case .bool: self = .bool
        case .datetime: self = .datetime
        case .geo: self = .geo
        case .text: self = .text
        }
    }
}

extension PayloadIndex.Tokenizer {
    fileprivate var internalValue: VecCollection.Tokenizer.Kind {
        switch self {
        case .words: .words
        case .stems: .stems
        case .trigrams: .trigrams
        }
    }

    fileprivate init(_ kind: VecCollection.Tokenizer.Kind) {
        switch kind {
        case .words: self = .words
        case .stems: self = .stems
        case .trigrams: self = .trigrams
        }
    }
}
