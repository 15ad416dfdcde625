// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Full-text search in one state: the rows whose texts match, ranked by BM25 as FTS5 computes it (k1 1.2, b 0.75; Robertson &
/// Zaragoza 2009), larger being better. Where several fields match, their scores add up.
struct TextSearch {
    private let collection: PointCollection
    private let state: CollectionState

    init(_ collection: PointCollection, _ state: CollectionState) {
        self.collection = collection
        self.state = state
    }

    /// The best rows, best first; rows with the same score in their order.
    func find(_ text: String, k: Int, _ options: TextSearchOptions, wanted: RowSet?) throws(VecStoreError) -> [(row: UInt32, score: Float)] {
        let fields = try chosenFields(options)
        return try collection.readers.with { database throws(VecStoreError) in
            try database.reading { () throws(VecStoreError) in
                if fields.count == 1, let (field, weight) = fields.first {
                    var best = BestRows(k)
                    try search(field, text, options.mode, database, wanted) { best.add($0, $1 * weight) }
                    return best.sorted()
                }
                var sums: [UInt32: Float] = [:]
                for (field, weight) in fields {
                    try search(field, text, options.mode, database, wanted) { sums[$0, default: 0] += $1 * weight }
                }
                var best = BestRows(k)
                for (row, score) in sums { best.add(row, score) }
                return best.sorted()
            }
        }
    }

    private func chosenFields(_ options: TextSearchOptions) throws(VecStoreError) -> [(Field, Float)] {
        let known = collection.fieldsLock.shared { collection.fields.fields.filter { $0.type == .text } }
        let names = known.isEmpty ? "no field has one" : "those that have one are \(known.map { "'\($0.name)'" }.joined(separator: ", "))"
        guard let wanted = options.fields else {
            if known.isEmpty {
                throw VecStoreError(.invalidArgument, "a search by words needs an index of type text, and \(names)")
            }
            return known.map { ($0, 1) }
        }
        var chosen: [(Field, Float)] = []
        for (path, weight) in wanted {
            let parsed = try PayloadPath(path)
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

    private func search(
        _ field: Field, _ text: String, _ mode: TextSearchOptions.Mode, _ database: Database, _ wanted: RowSet?,
        _ body: (UInt32, Float) -> Void
    ) throws(VecStoreError) {
        guard let expression = try expression(field, text, mode) else { return }
        let table = field.textTable
        let select = try database.statement("SELECT rowid, bm25(\(table)) FROM \(table) WHERE \(table) MATCH ?1")
        defer { select.reset() }
        try select.bind(1, utf8: expression)
        while try select.step() {
            guard let row = UInt32(exactly: select.number(0)), state.isAlive(Int(row)) else { continue }
            if let wanted, !wanted.contains(row) { continue }
            // FTS5 says it the other way round: smaller is better there.
            body(row, Float(-select.real(1)))
        }
    }

    private func expression(_ field: Field, _ text: String, _ mode: TextSearchOptions.Mode) throws(VecStoreError) -> [UInt8]? {
        let splitter = try collection.splitter(field.tokenizer)
        switch mode {
        case .any: return try WordTest.any(text).expression(splitter)
        case .all: return try WordTest.all(text).expression(splitter)
        case .phrase: return try WordTest.phrase(text).expression(splitter)
        case .prefix:
            guard let all = try WordTest.all(text).expression(splitter) else { return nil }
            return all + Array("*".utf8)
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
