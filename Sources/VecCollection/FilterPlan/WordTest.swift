// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// A condition on the words of a text.
enum WordTest {
    case all(String)
    case any(String)
    case phrase(String)

    /// nil where a test asks for something else.
    init?(_ test: FieldTest) {
        switch test {
        case .match(.text(let text)): self = .all(text)
        case .match(.textAny(let text)): self = .any(text)
        case .match(.phrase(let text)): self = .phrase(text)
        default: return nil
        }
    }

    private var text: String {
        switch self {
        case .all(let text), .any(let text), .phrase(let text): text
        }
    }

    /// As FTS5 asks for it; nil where the text has no words, and so is in none.
    /// - Parameter splitter: See `PointCollection.splitter`.
    func expression(_ splitter: Tokenizer) throws(VecStoreError) -> [UInt8]? {
        let tokens = try splitter.tokens(of: text)
        if tokens.isEmpty { return nil }
        switch self {
        case .all: return WordTest.joined(tokens, " AND ")
        case .any: return WordTest.joined(tokens, " OR ")
        case .phrase:
            return WordTest.quoted(Array(text.utf8))
        }
    }

    /// Words in quotes, each once.
    static func joined(_ tokens: [Tokenizer.Token], _ separator: String) -> [UInt8] {
        var expression: [UInt8] = []
        var seen = Set<Tokenizer.Token>()
        for token in tokens where seen.insert(token).inserted {
            if !expression.isEmpty { expression += separator.utf8 }
            expression += quoted(token)
        }
        return expression
    }

    /// A string of FTS5: nothing in it has a meaning.
    static func quoted(_ text: [UInt8]) -> [UInt8] {
        var result = [UInt8(ascii: "\"")]
        for byte in text {
            if byte == UInt8(ascii: "\"") { result.append(byte) }
            result.append(byte == 0 ? UInt8(ascii: " ") : byte)
        }
        result.append(UInt8(ascii: "\""))
        return result
    }
}
