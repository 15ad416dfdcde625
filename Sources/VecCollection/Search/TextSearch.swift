// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// Full-text search in one state: the rows whose texts match, ranked by BM25 (Robertson & Zaragoza 2009) with the constants of FTS5,
/// k1 = 1.2 and b = 0.75; larger is better. Where several fields match, their scores add up.
///
/// FTS5 finds the words. Its own ranking looks up the length of each text in a table, so this one, which gives the same
/// scores, has them in memory.
struct TextSearch {
    private let collection: PointCollection
    private let state: CollectionState
    private let database: Database

    private static let k1: Float = 1.2
    private static let b: Float = 0.75

    init(_ collection: PointCollection, _ state: CollectionState, _ database: Database) {
        self.collection = collection
        self.state = state
        self.database = database
    }

    /// Reads what ranking needs into memory, where it is not there yet: before a state is taken, because it waits for the writer.
    static func prepare(_ collection: PointCollection) throws(VecStoreError) {
        // Once more where rows have got other numbers meanwhile.
        while true {
            let fields = collection.current.fields.fields
            for field in fields where field.type == .text { try collection.loadLengths(field) }
            if fields.elementsEqual(collection.current.fields.fields, by: { $0 === $1 }) { return }
        }
    }

    /// The best rows, best first; rows with the same score in their order.
    func find(_ text: String, k: Int, _ options: TextSearchOptions, wanted: RowSet?) throws(VecStoreError) -> [(row: UInt32, score: Float)] {
        let fields = try chosenFields(options)
        options.trace?.pointCount = state.count
        options.trace?.text = TextTrace()
        let scores = try allocate(Float.self, state.rowCount, for: "the scores of texts")
        let matches = try allocate(UInt8.self, state.rowCount, for: "the scores of texts")
        var rows: [UInt32] = []
        for (field, weight) in fields {
            let words = try add(
                field, text, options.mode, weight, scores.pointer(Float.self), matches.pointer(UInt8.self), &rows)
            options.trace?.text?.fields.append((field.name, weight, words))
        }
        options.trace?.text?.matching = rows.count
        var best = BestRows(k)
        for row in rows where wanted?.contains(row) ?? state.isAlive(Int(row)) {
            best.add(row, scores.pointer(Float.self)[Int(row)])
        }
        return best.sorted()
    }

    /// Adds the scores of one field, and the rows that match in it and in none before.
    /// - Returns: How many words were looked for that are there, or phrases.
    private func add(
        _ field: Field, _ text: String, _ mode: TextSearchOptions.Mode, _ weight: Float,
        _ scores: UnsafeMutablePointer<Float>, _ matches: UnsafeMutablePointer<UInt8>, _ rows: inout [UInt32]
    ) throws(VecStoreError) -> Int {
        guard let expression = try expression(field, text, mode) else { return 0 }
        let reader = try database.phraseReader()
        try reader.read(expression, field.textTable, database)
        let phrases = reader.phrases
        if phrases.isEmpty { return 0 }
        let total = Float(reader.rowCount), average = max(Float(reader.wordCount) / max(total, 1), 1)
        // All phrases, where one is not enough: rows that lack one get no score.
        let needed = mode == .any ? 1 : min(phrases.count, Int(UInt8.max))
        let countMemory = try needed > 1 ? allocate(UInt8.self, state.rowCount, for: "the words of texts") : nil
        let counts = countMemory?.pointer(UInt8.self)
        if let counts { for phrase in phrases { for (row, _) in phrase where Int(row) < state.rowCount { counts[Int(row)] &+= 1 } } }
        defer { withExtendedLifetime(countMemory) {} }
        collection.fieldsLock.shared {
            let lengths = field.lengths
            for phrase in phrases {
                let found = Float(phrase.count)
                // As FTS5 has it: a word of more than half of the texts counts next to nothing, and not against them.
                let weightOfPhrase = weight * max(TextSearch.logarithm((total - found + 0.5) / (found + 0.5)), 1e-6)
                for (row, occurrences) in phrase where Int(row) < state.rowCount {
                    if let counts, counts[Int(row)] != UInt8(needed) { continue }
                    let length = Float(lengths?.length(row) ?? 0), times = Float(occurrences)
                    let norm = TextSearch.k1 * (1 - TextSearch.b + TextSearch.b * length / average)
                    scores[Int(row)] += weightOfPhrase * times * (TextSearch.k1 + 1) / (times + norm)
                    if matches[Int(row)] == 0 {
                        matches[Int(row)] = 1
                        rows.append(row)
                    }
                }
            }
        }
        return phrases.count { !$0.isEmpty }
    }

    private static func logarithm(_ x: Float) -> Float { Glibc.logf(x) }

    private func chosenFields(_ options: TextSearchOptions) throws(VecStoreError) -> [(Field, Float)] {
        let known = state.fields.fields.filter { $0.type == .text }
        let names = known.isEmpty ? "no field has one" : "those that have one are \(known.map { "'\($0.name)'" }.joined(separator: ", "))"
        guard let wanted = options.fields else {
            if known.isEmpty {
                throw VecStoreError(.invalidArgument, "a search by words needs an index of type text, and \(names)")
            }
            return known.map { ($0, 1) }
        }
        if wanted.isEmpty { throw VecStoreError(.invalidArgument, "fields is empty: \(names)") }
        var chosen: [(Field, Float)] = []
        for (i, (path, weight)) in wanted.enumerated() {
            let parsed = try PayloadPath(path, name: "fields[\(i)]")
            guard let field = known.first(where: { $0.path == parsed }) else {
                throw VecStoreError(.invalidArgument, "the field '\(path)' has no index of type text: \(names)")
            }
            guard weight.isFinite && weight >= 0 else {
                throw VecStoreError(.invalidArgument, "the weight of the field '\(path)' is \(weight): it must be 0 or more")
            }
            chosen.append((field, weight))
        }
        return chosen
    }

    /// The words, any of them: which rows must have all is a matter of counting.
    private func expression(_ field: Field, _ text: String, _ mode: TextSearchOptions.Mode) throws(VecStoreError) -> [UInt8]? {
        let splitter = try collection.splitter(field.tokenizer)
        switch mode {
        case .any, .all: return try WordTest.any(text).expression(splitter)
        case .phrase: return try WordTest.phrase(text).expression(splitter)
        case .prefix:
            guard let words = try WordTest.any(text).expression(splitter) else { return nil }
            return words + Array("*".utf8)
        }
    }
}

/// The k rows with the largest scores.
struct BestRows {
    private let k: Int
    /// A heap with the worst of the kept ones first.
    private var heap: [(row: UInt32, score: Float)] = []

    init(_ k: Int) { self.k = k }

    private static func isWorse(_ a: (row: UInt32, score: Float), _ b: (row: UInt32, score: Float)) -> Bool {
        a.score != b.score ? a.score < b.score : a.row > b.row
    }

    mutating func add(_ row: UInt32, _ score: Float) {
        if heap.count < k {
            heap.append((row, score))
            var i = heap.count - 1
            while i > 0, BestRows.isWorse(heap[i], heap[(i - 1) / 2]) {
                heap.swapAt(i, (i - 1) / 2)
                i = (i - 1) / 2
            }
            return
        }
        guard let worst = heap.first, BestRows.isWorse(worst, (row, score)) else { return }
        heap[0] = (row, score)
        var i = 0
        while true {
            var least = i
            for child in [2 * i + 1, 2 * i + 2] where child < heap.count && BestRows.isWorse(heap[child], heap[least]) { least = child }
            if least == i { return }
            heap.swapAt(i, least)
            i = least
        }
    }

    /// Best first.
    func sorted() -> [(row: UInt32, score: Float)] { heap.sorted { BestRows.isWorse($1, $0) } }
}
