// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Finds the rows that match a filter: by indexes as far as they reach, by looking at the payloads of what is left.
///
/// What indexes say agrees with `FilterEvaluator`: rows with values that an index cannot hold are looked at one by one.
struct FilterCompiler {
    private let collection: PointCollection
    private let state: CollectionState
    private let database: Database

    init(_ collection: PointCollection, _ state: CollectionState, _ database: Database) {
        self.collection = collection
        self.state = state
        self.database = database
    }

    /// The rows of points that match. Dead rows may be among them.
    func rows(_ filter: Filter) throws(VecStoreError) -> RowSet {
        let set = try RowSet(span: state.rowCount, isFull: true)
        if let dead = state.dead { set.subtract(dead) }
        var rest = Filter()
        try narrow(set, filter, &rest)
        if !rest.isEmpty { try keepMatching(set, rest) }
        return set
    }

    /// Takes out of a set what indexes say does not match.
    /// - Parameter rest: Gets what has to be looked at.
    private func narrow(_ set: RowSet, _ filter: Filter, _ rest: inout Filter) throws(VecStoreError) {
        for condition in filter.must {
            if let rows = try rows(condition) { set.formIntersection(rows) } else { rest.must.append(condition) }
        }
        for condition in filter.mustNot {
            if let rows = try rows(condition) { set.subtract(rows) } else { rest.mustNot.append(condition) }
        }
        if !filter.should.isEmpty {
            if let rows = try union(filter.should) { set.formIntersection(rows) } else { rest.should = filter.should }
        }
        if let least = filter.minShould {
            if let rows = try rows(least) { set.formIntersection(rows) } else { rest.minShould = least }
        }
    }

    private func union(_ conditions: [FilterCondition]) throws(VecStoreError) -> RowSet? {
        let sum = try RowSet(span: state.rowCount)
        for condition in conditions {
            guard let rows = try rows(condition) else { return nil }
            sum.formUnion(rows)
        }
        return sum
    }

    /// Rows where enough of some conditions hold: sets of rows where at least 1, 2, … have held so far.
    private func rows(_ least: Filter.MinShould) throws(VecStoreError) -> RowSet? {
        guard least.count >= 1, least.count <= least.conditions.count, least.count <= 64 else { return nil }
        var atLeast: [RowSet] = []
        for _ in 0..<least.count { atLeast.append(try RowSet(span: state.rowCount)) }
        for condition in least.conditions {
            guard let rows = try rows(condition) else { return nil }
            for i in stride(from: least.count - 1, through: 1, by: -1) {
                let both = try rows.copy()
                both.formIntersection(atLeast[i - 1])
                atLeast[i].formUnion(both)
            }
            atLeast[0].formUnion(rows)
        }
        return atLeast[least.count - 1]
    }

    // MARK: - One condition

    /// The rows where a condition holds; nil where no index says.
    private func rows(_ condition: FilterCondition) throws(VecStoreError) -> RowSet? {
        switch condition {
        case .field(let path, let test): return try rows(path, test)
        case .hasID(let ids):
            let set = try RowSet(span: state.rowCount)
            for id in ids { if let row = try collection.row(id, database) { set.insert(row) } }
            return set
        case .hasVector(let name):
            let set = try RowSet(span: state.rowCount, isFull: true)
            guard let place = collection.settings.firstIndex(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
                set.clear()
                return set
            }
            if let hidden = state.vectors[place].hidden { set.subtract(hidden) }
            return set
        case .filter(let filter):
            var rest = Filter()
            let set = try RowSet(span: state.rowCount, isFull: true)
            try narrow(set, filter, &rest)
            return rest.isEmpty ? set : nil
        case .nested: return nil
        }
    }

    private func rows(_ path: PayloadPath, _ test: FieldTest) throws(VecStoreError) -> RowSet? {
        if let words = WordTest(test) {
            guard let field = state.fields.text(path) else { return nil }
            return try rows(field, words)
        }
        for field in state.fields.fields where field.path == path && field.type != .text {
            let set = try RowSet(span: state.rowCount)
            // The rest is asked of the payloads without the lock: that takes time.
            let odd: RowSet? = try collection.fieldsLock.shared { () throws(VecStoreError) in
                guard let loaded = field.loaded, try FieldQuery(loaded).add(test, to: set) else { return nil }
                return try FieldQuery.needsOthers(test) ? loaded.others.copy() : RowSet(span: 0)
            }
            guard let odd else { continue }
            odd.remove(from: state.rowCount)
            if !odd.isEmpty {
                var filter = Filter()
                filter.must = [.field(path, test)]
                try keepMatching(odd, filter)
                set.formUnion(odd)
            }
            return set
        }
        return nil
    }

    /// Rows whose text has some words, by full-text search.
    private func rows(_ field: Field, _ words: WordTest) throws(VecStoreError) -> RowSet {
        let set = try RowSet(span: state.rowCount)
        guard let expression = try words.expression(collection.splitter(field.tokenizer)) else { return set }
        let select = try database.statement("SELECT rowid FROM \(field.textTable) WHERE \(field.textTable) MATCH ?1")
        defer { select.reset() }
        try select.bind(1, utf8: expression)
        while try select.step() { if let row = UInt32(exactly: select.number(0)) { set.insert(row) } }
        return set
    }

    // MARK: - Looking

    /// Takes out of a set the rows whose points do not match.
    private func keepMatching(_ set: RowSet, _ filter: Filter) throws(VecStoreError) {
        let collection = collection, fields = state.fields
        var tokenizers: [Tokenizer.Kind: Tokenizer] = [:]
        for kind in Tokenizer.Kind.allCases { tokenizers[kind] = try collection.tokenizer(kind) }
        guard let words = tokenizers[.words] else { return }
        let evaluator = FilterEvaluator(filter) { path in
            let kind = fields.text(path)?.tokenizer ?? .words
            return tokenizers[kind] ?? words
        }
        // Few rows are looked up, many are read one after the other.
        if set.count > state.rowCount / 8 {
            let select = try database.statement("SELECT row, id, payload, missing FROM points ORDER BY row")
            defer { select.reset() }
            let seen = try RowSet(span: state.rowCount)
            while try select.step() {
                guard let row = UInt32(exactly: select.number(0)), set.contains(row) else { continue }
                if try matches(evaluator, select) { seen.insert(row) }
            }
            set.formIntersection(seen)
        } else {
            let select = try database.statement("SELECT row, id, payload, missing FROM points WHERE row = ?1")
            let rows = set
            try rows.forEach { row throws(VecStoreError) in
                select.reset()
                try select.bind(1, Int64(row))
                guard try select.step(), try matches(evaluator, select) else {
                    set.remove(row)
                    return true
                }
                return true
            }
            select.reset()
        }
    }

    private func matches(_ evaluator: FilterEvaluator, _ select: Statement) throws(VecStoreError) -> Bool {
        let payload = select.bytes(2)
        let document = payload.isEmpty ? nil : try checkPayload(payload)
        let missing = UInt64(bitPattern: select.number(3))
        var names: [String] = []
        for (place, settings) in collection.settings.enumerated() where missing & (1 << UInt64(place)) == 0 {
            names.append(settings.name)
        }
        defer { withExtendedLifetime(document) {} }
        return try evaluator.matches(FilterEvaluator.Point(id: PointID(select, 1), payload: document?.root, vectors: names))
    }
}
