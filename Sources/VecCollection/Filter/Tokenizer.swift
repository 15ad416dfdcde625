// SPDX-License-Identifier: Apache-2.0

import CSQLite
import VecIndex

/// The words of texts as SQLite's full-text search makes them: by the same code, so a condition on words holds of the same
/// points with and without an index.
package final class Tokenizer: @unchecked Sendable {
    // Safety: the tokenizer of SQLite has memory of its own, and is used under `lock`.

    package enum Kind: String, Sendable, CaseIterable {
        /// Runs of letters and digits, in lower case and without marks such as accents.
        case words
        /// Words without the endings of English.
        case stems
        /// Each three characters in a row, in lower case.
        case trigrams

        /// What `tokenize = '…'` is to be in a table of FTS5, to have the same words.
        package var fts5: String {
            switch self {
            case .words: "unicode61 remove_diacritics 2"
            case .stems: "porter unicode61 remove_diacritics 2"
            case .trigrams: "trigram"
            }
        }

        fileprivate var name: StaticString {
            switch self {
            case .words: "unicode61"
            case .stems: "porter"
            case .trigrams: "trigram"
            }
        }

        fileprivate var options: [StaticString] {
            switch self {
            case .words: ["remove_diacritics", "2"]
            case .stems: ["unicode61", "remove_diacritics", "2"]
            case .trigrams: []
            }
        }
    }

    package typealias Token = [UInt8]

    package let kind: Kind
    private let lock = Lock()
    /// A connection without a file, which has the code of FTS5.
    private let database: Database
    private let code: fts5_tokenizer
    private let handle: OpaquePointer

    package init(_ kind: Kind) throws(VecStoreError) {
        self.kind = kind
        database = try Database(":memory:", .create)
        guard let api = vs_fts5(database.handle) else {
            throw VecStoreError(.unsupported, "this SQLite has no full-text search (FTS5)")
        }
        var context: UnsafeMutableRawPointer?
        var code = fts5_tokenizer()
        guard api.pointee.xFindTokenizer?(api, kind.name.cString, &context, &code) == SQLITE_OK, let create = code.xCreate
        else {
            throw VecStoreError(.unsupported, "this SQLite has no tokenizer '\(kind.name)'")
        }
        var options: [UnsafePointer<CChar>?] = kind.options.map(\.cString)
        var made: OpaquePointer?
        let result = create(context, &options, Int32(options.count), &made)
        guard result == SQLITE_OK, let made else {
            if result == SQLITE_NOMEM { throw VecStoreError(.outOfMemory, "no memory for a tokenizer") }
            throw VecStoreError(.unsupported, "this SQLite cannot make the tokenizer '\(kind.fts5)': error \(result)")
        }
        self.code = code
        handle = made
    }

    deinit { code.xDelete?(handle) }

    package func tokens(of text: String) throws(VecStoreError) -> [Token] {
        var text = text
        let result: Result<[Token], VecStoreError> = text.withUTF8 { bytes in
            do throws(VecStoreError) {
                return .success(try tokens(of: bytes))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    package func tokens(of text: UnsafeBufferPointer<UInt8>) throws(VecStoreError) -> [Token] {
        guard let count = Int32(exactly: text.count) else {
            throw VecStoreError(.tooLarge, "a text of \(text.count) bytes is more than SQLite takes apart")
        }
        if count == 0 { return [] }
        var tokens: [Token] = []
        let result = lock.withLock {
            text.withMemoryRebound(to: CChar.self) { text in
                withUnsafeMutablePointer(to: &tokens) { tokens in
                    code.xTokenize?(handle, tokens, FTS5_TOKENIZE_DOCUMENT, text.baseAddress, count, appendToken)
                }
            }
        }
        if result == SQLITE_NOMEM { throw .outOfMemory("the words of a text", bytes: text.count) }
        guard result == SQLITE_OK else {
            throw VecStoreError(.internalError, "SQLite cannot take a text apart: error \(result ?? 0)")
        }
        return tokens
    }
}

/// Called by SQLite with each token of a text.
private func appendToken(
    _ tokens: UnsafeMutableRawPointer?, _ flags: Int32, _ start: UnsafePointer<CChar>?, _ count: Int32, _ from: Int32,
    _ to: Int32
) -> Int32 {
    // FTS5 itself cuts tokens at this length.
    let bytes = UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : min(Int(count), 32_768))
    tokens?.assumingMemoryBound(to: [Tokenizer.Token].self).pointee.append(Array(bytes))
    return SQLITE_OK
}

extension StaticString {
    /// Its bytes, which end with 0 and live as long as the program.
    fileprivate var cString: UnsafePointer<CChar> { UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self) }
}
