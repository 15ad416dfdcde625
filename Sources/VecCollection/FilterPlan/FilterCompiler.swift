// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Finds the rows that match a filter: by indexes as far as they reach, by looking at the payloads of what is left.
///
/// What indexes say agrees with `FilterEvaluator`: rows with values that an index cannot hold are looked at one by one.
struct FilterCompiler {
    private let collection: PointCollection
    private let state: CollectionState
    private let database: Database
    private let trace: QueryTrace?

    init(_ collection: PointCollection, _ state: CollectionState, _ database: Database, _ trace: QueryTrace? = nil) {
        self.collection = collection
        self.state = state
        self.database = database
        self.trace = trace
    }

    /// The rows of points that match. Dead rows may be among them.
    func rows(_ filter: Filter) throws(VecStoreError) -> RowSet {
        let set = try RowSet(span: state.rowCount, isFull: true)
        if let dead = state.dead { set.subtract(dead) }
        var rest = Filter()
        try narrow(set, filter, &rest, "")
        if !rest.isEmpty {
            let count = try keepMatching(set, rest)
            trace?.filter?.payloadsRead += count
        }
        return set
    }

    /// Takes out of a set what indexes say does not match.
    /// - Parameters:
    ///   - rest: Gets what has to be looked at.
    ///   - prefix: Where the filter stands in the one that the caller gave.
    private func narrow(
        _ set: RowSet, _ filter: Filter, _ rest: inout Filter, _ prefix: @autoclosure () -> String
    ) throws(VecStoreError) {
        for (i, condition) in filter.must.enumerated() {
            if let rows = try rows(condition, "\(prefix())must[\(i)]") { set.formIntersection(rows) } else { rest.must.append(condition) }
        }
        for (i, condition) in filter.mustNot.enumerated() {
            if let rows = try rows(condition, "\(prefix())must_not[\(i)]") { set.subtract(rows) } else { rest.mustNot.append(condition) }
        }
        if !filter.should.isEmpty {
            let rows = try together("\(prefix())should") { () throws(VecStoreError) in try union(filter.should, "\(prefix())should") }
            if let rows { set.formIntersection(rows) } else { rest.should = filter.should }
        }
        if let least = filter.minShould {
            let rows = try together("\(prefix())min_should") { () throws(VecStoreError) in
                try self.rows(least, "\(prefix())min_should.conditions")
            }
            if let rows { set.formIntersection(rows) } else { rest.minShould = least }
        }
    }

    private func union(
        _ conditions: [FilterCondition], _ place: @autoclosure () -> String
    ) throws(VecStoreError) -> RowSet? {
        let sum = try RowSet(span: state.rowCount)
        for (i, condition) in conditions.enumerated() {
            guard let rows = try rows(condition, "\(place())[\(i)]") else { return nil }
            sum.formUnion(rows)
        }
        return sum
    }

    /// Rows where enough of some conditions hold: sets of rows where at least 1, 2, … have held so far.
    private func rows(_ least: Filter.MinShould, _ place: @autoclosure () -> String) throws(VecStoreError) -> RowSet? {
        guard least.count >= 1, least.count <= least.conditions.count, least.count <= 64 else { return nil }
        var atLeast: [RowSet] = []
        for _ in 0..<least.count { atLeast.append(try RowSet(span: state.rowCount)) }
        for (i, condition) in least.conditions.enumerated() {
            guard let rows = try rows(condition, "\(place())[\(i)]") else { return nil }
            for i in stride(from: least.count - 1, through: 1, by: -1) {
                let both = try rows.copy()
                both.formIntersection(atLeast[i - 1])
                atLeast[i].formUnion(both)
            }
            atLeast[0].formUnion(rows)
        }
        return atLeast[least.count - 1]
    }

    /// Notes, where conditions that only count together are left to the payloads, that all of them are.
    private func together(
        _ place: @autoclosure () -> String, _ body: () throws(VecStoreError) -> RowSet?
    ) throws(VecStoreError) -> RowSet? {
        let before = trace?.filter?.steps.count ?? 0
        let rows = try body()
        if rows == nil, let steps = trace?.filter?.steps {
            let culprit = steps.last.map { $0.answer == .payloads ? "\($0.place): \($0.reason ?? "")" : "" } ?? ""
            trace?.filter?.steps.removeLast(steps.count - before)
            trace?.filter?.steps.append(
                FilterTrace.Step(place: place(), answer: .payloads, reason: "one of its conditions has to look at payloads, \(culprit)"))
        }
        return rows
    }

    // MARK: - One condition

    /// The rows where a condition holds; nil where no index says.
    private func rows(_ condition: FilterCondition, _ place: @autoclosure () -> String) throws(VecStoreError) -> RowSet? {
        if case .filter(let filter) = condition {
            return try together(place()) { () throws(VecStoreError) in
                var rest = Filter()
                let set = try RowSet(span: state.rowCount, isFull: true)
                try narrow(set, filter, &rest, "\(place()).")
                return rest.isEmpty ? set : nil
            }
        }
        guard trace != nil else { return try answer(condition).rows }
        let answer = try answer(condition)
        var step = FilterTrace.Step(place: place(), answer: answer.by, index: answer.index, payloadsRead: answer.payloadsRead)
        step.rows = answer.rows.map(alive)
        switch condition {
        case .field(let path, _): step.key = path.description
        case .nested(let path, _): step.key = path.description
        default: break
        }
        if answer.rows == nil { step.reason = reason(condition) }
        trace?.filter?.steps.append(step)
        return answer.rows
    }

    /// What one condition let through, and what knew it.
    private struct Answer {
        /// nil: only payloads know.
        var rows: RowSet?
        var by = FilterTrace.Answer.payloads
        var index: FieldIndexType?
        var payloadsRead = 0
    }

    /// How many rows of a set are points of this moment.
    private func alive(_ set: RowSet) -> Int { set.count - (state.dead.map { set.count(in: $0) } ?? 0) }

    /// Why no index answered.
    private func reason(_ condition: FilterCondition) -> String {
        guard case .field(let path, _) = condition else { return "no index knows what belongs to one element of an array" }
        let types = state.fields.fields.filter { $0.path == path }.map(\.type.rawValue)
        if types.isEmpty { return "the field has no index" }
        return "its index of type \(types.joined(separator: " and ")) does not answer this condition"
    }

    private func answer(_ condition: FilterCondition) throws(VecStoreError) -> Answer {
        switch condition {
        case .field(let path, let test): return try answer(path, test)
        case .hasID(let ids):
            let set = try RowSet(span: state.rowCount)
            for id in ids { if let row = try collection.row(id, database) { set.insert(row) } }
            return Answer(rows: set, by: .ids)
        case .hasVector(let name):
            let set = try RowSet(span: state.rowCount, isFull: true)
            guard let place = collection.settings.firstIndex(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
                set.clear()
                return Answer(rows: set, by: .vectors)
            }
            if let hidden = state.vectors[place].hidden { set.subtract(hidden) }
            return Answer(rows: set, by: .vectors)
        case .filter, .nested: return Answer()
        }
    }

    private func answer(_ path: PayloadPath, _ test: FieldTest) throws(VecStoreError) -> Answer {
        if let words = WordTest(test) {
            guard let field = state.fields.text(path) else { return Answer() }
            return Answer(rows: try rows(field, words), by: .fullText, index: .text)
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
            var payloadsRead = 0
            if !odd.isEmpty {
                var filter = Filter()
                filter.must = [.field(path, test)]
                payloadsRead = try keepMatching(odd, filter)
                set.formUnion(odd)
            }
            return Answer(rows: set, by: .index, index: field.type, payloadsRead: payloadsRead)
        }
        return Answer()
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
    /// - Returns: How many payloads were read for that.
    private func keepMatching(_ set: RowSet, _ filter: Filter) throws(VecStoreError) -> Int {
        let collection = collection, fields = state.fields
        var tokenizers: [Tokenizer.Kind: Tokenizer] = [:]
        for kind in Tokenizer.Kind.allCases { tokenizers[kind] = try collection.tokenizer(kind) }
        guard let words = tokenizers[.words] else { return 0 }
        var payloadsRead = 0
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
                payloadsRead += 1
                if try matches(evaluator, select) { seen.insert(row) }
            }
            set.formIntersection(seen)
        } else {
            let select = try database.statement("SELECT row, id, payload, missing FROM points WHERE row = ?1")
            let rows = set
            try rows.forEach { row throws(VecStoreError) in
                select.reset()
                try select.bind(1, Int64(row))
                payloadsRead += 1
                guard try select.step(), try matches(evaluator, select) else {
                    set.remove(row)
                    return true
                }
                return true
            }
            select.reset()
        }
        return payloadsRead
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
