// SPDX-License-Identifier: Apache-2.0

import CSQLite
import VecIndex

/// Reads where the phrases of a full-text query are: an auxiliary function of FTS5, which goes through the rows of each phrase
/// without a step of SQLite's machine for each.
final class PhraseReader {
    /// A row, and how often the phrase is in it.
    typealias Occurrence = (row: UInt32, count: UInt32)

    /// By phrase, in the order of rows.
    private(set) var phrases: [[Occurrence]] = []
    /// Rows with text, and the words of all of them.
    private(set) var rowCount = 0
    private(set) var wordCount = 0

    private static let name = "vecstore_phrases"

    /// Makes the function known to a connection, which must not outlive this.
    init(_ database: OpaquePointer) throws(VecStoreError) {
        guard let api = vs_fts5(database),
            api.pointee.xCreateFunction?(api, PhraseReader.name, Unmanaged.passUnretained(self).toOpaque(), readPhrases, nil)
                == SQLITE_OK
        else { throw VecStoreError(.unsupported, "this SQLite has no full-text search (FTS5)") }
    }

    /// Reads the phrases of an expression. They stay until the next call.
    func read(_ expression: [UInt8], _ table: String, _ database: Database) throws(VecStoreError) {
        phrases.removeAll(keepingCapacity: true)
        rowCount = 0
        wordCount = 0
        // One row that matches is enough: the function goes through all others by itself.
        let select = try database.statement("SELECT \(PhraseReader.name)(\(table)) FROM \(table) WHERE \(table) MATCH ?1 LIMIT 1")
        defer { select.reset() }
        try select.bind(1, utf8: expression)
        _ = try select.step()
    }

    fileprivate func read(_ api: Fts5ExtensionApi, _ context: OpaquePointer) -> Int32 {
        var rows: sqlite3_int64 = 0, words: sqlite3_int64 = 0
        guard let countRows = api.xRowCount, let countWords = api.xColumnTotalSize, let countPhrases = api.xPhraseCount,
            let query = api.xQueryPhrase
        else { return SQLITE_ERROR }
        var result = countRows(context, &rows)
        if result == SQLITE_OK { result = countWords(context, -1, &words) }
        rowCount = Int(rows)
        wordCount = Int(words)
        for phrase in 0..<countPhrases(context) where result == SQLITE_OK {
            phrases.append([])
            result = query(context, phrase, Unmanaged.passUnretained(self).toOpaque(), readOccurrence)
        }
        return result
    }

    @inline(__always)
    fileprivate func append(_ row: Int64, _ count: UInt32) {
        phrases[phrases.count - 1].append((UInt32(truncatingIfNeeded: row), count))
    }
}

/// The function: its value is of no use.
private func readPhrases(
    _ api: UnsafePointer<Fts5ExtensionApi>?, _ fts: OpaquePointer?, _ context: OpaquePointer?, _: Int32,
    _: UnsafeMutablePointer<OpaquePointer?>?
) {
    guard let api, let fts, let owner = api.pointee.xUserData?(fts) else { return }
    let result = Unmanaged<PhraseReader>.fromOpaque(owner).takeUnretainedValue().read(api.pointee, fts)
    if result != SQLITE_OK { sqlite3_result_error_code(context, result) }
}

/// For each row of a phrase: here it is the only one, phrase 0.
private func readOccurrence(
    _ api: UnsafePointer<Fts5ExtensionApi>?, _ fts: OpaquePointer?, _ owner: UnsafeMutableRawPointer?
) -> Int32 {
    guard let api, let fts, let owner, let rowid = api.pointee.xRowid, let first = api.pointee.xPhraseFirst,
        let next = api.pointee.xPhraseNext
    else { return SQLITE_ERROR }
    var place = Fts5PhraseIter()
    var column: Int32 = 0, offset: Int32 = 0
    let result = first(fts, 0, &place, &column, &offset)
    if result != SQLITE_OK { return result }
    var count: UInt32 = 0
    while column >= 0 {
        count &+= 1
        next(fts, &place, &column, &offset)
    }
    Unmanaged<PhraseReader>.fromOpaque(owner).takeUnretainedValue().append(rowid(fts), count)
    return SQLITE_OK
}
