// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The rows of one state in the order of the values of a field, those of one value in the order of their ids.
struct OrderedRows {
    private let collection: PointCollection
    private let state: CollectionState
    private let database: Database
    let field: Field
    private let wanted: RowSet?
    private let isDescending: Bool
    private let extra: [SortedEntry]

    /// Where rows begin.
    struct Place {
        var key: OrderKey?
        /// Of those with just this key, the ones that come after this id.
        var after: PointID?
    }

    typealias Found = (row: UInt32, key: OrderKey, id: PointID)

    /// - Parameter wanted: Rows that may come; nil: all that are alive.
    init(
        _ collection: PointCollection, _ state: CollectionState, _ database: Database, _ field: Field, _ wanted: RowSet?,
        isDescending: Bool
    ) throws(VecStoreError) {
        self.collection = collection
        self.state = state
        self.database = database
        self.field = field
        self.wanted = wanted
        self.isDescending = isDescending
        extra = field.type == .float ? try OrderedRows.roundedNumbers(collection, state, database, field) : []
    }

    /// Entries of numbers that no `Double` is, which the index does not hold: they have the place of the nearest one.
    private static func roundedNumbers(
        _ collection: PointCollection, _ state: CollectionState, _ database: Database, _ field: Field
    ) throws(VecStoreError) -> [SortedEntry] {
        let others = try collection.fieldsLock.shared { () throws(VecStoreError) in try field.loaded?.others.copy() }
        guard let others, !others.isEmpty else { return [] }
        let select = try database.statement("SELECT payload FROM points WHERE row = ?1")
        defer { select.reset() }
        var entries: [SortedEntry] = []
        try others.forEach { row throws(VecStoreError) in
            guard state.isAlive(Int(row)) else { return true }
            select.reset()
            try select.bind(1, Int64(row))
            guard try select.step(), !select.bytes(0).isEmpty else { return true }
            let document = try checkPayload(select.bytes(0))
            field.path.forEachValue(in: document.root) { value in
                for part in value.kind == .array ? Array(value.elements) : [value] {
                    if let number = part.number { entries.append(SortedEntry(key: SortKey.key(number.rounded), row: row)) }
                }
                return false
            }
            return true
        }
        return entries.sorted { ($0.key, $0.row) < ($1.key, $1.row) }
    }

    /// The rows that come next.
    func next(from place: Place, limit: Int) throws(VecStoreError) -> [Found] {
        var found: [Found] = []
        for group in try groups(from: place, limit: limit) {
            let after = group.key == place.key ? place.after : nil
            for (row, id) in try inOrder(group.rows, after: after, limit: limit - found.count) { found.append((row, group.key, id)) }
        }
        return found
    }

    /// Rows of the same value, one value after the other: enough of them. Which of the rows of the first value come after an id is not
    /// known yet, so they do not count.
    private func groups(from place: Place, limit: Int) throws(VecStoreError) -> [(key: OrderKey, rows: [UInt32])] {
        var groups: [(key: OrderKey, rows: [UInt32])] = []
        var count = 0
        try collection.fieldsLock.shared { () throws(VecStoreError) in
            try field.loaded?.forEachOrdered(from: place.key, isDescending: isDescending, extra: extra) { (row, key) in
                guard state.isAlive(Int(row)), wanted?.contains(row) ?? true else { return true }
                if groups.last?.key != key {
                    if count >= limit { return false }
                    groups.append((key, []))
                }
                groups[groups.count - 1].rows.append(row)
                if place.after == nil || key != place.key { count += 1 }
                return true
            }
        }
        return groups
    }

    // MARK: - Rows of one value

    /// The first rows by their ids.
    private func inOrder(
        _ rows: [UInt32], after: PointID?, limit: Int
    ) throws(VecStoreError) -> [(row: UInt32, id: PointID)] {
        guard limit > 0 else { return [] }
        var texts: [UInt32] = []
        var numbers: [(number: UInt64, row: UInt32)] = []
        var least: UInt64? = nil, hasNumbers = true
        switch after {
        case .number(let number): least = number
        case .text: hasNumbers = false
        case nil: break
        }
        var most: UInt64?
        for row in rows {
            let number = state.store.points.id(Int(row))
            if number == PointTable.isText {
                texts.append(row)
            } else if hasNumbers, least.map({ number > $0 }) ?? true, most.map({ number < $0 }) ?? true {
                numbers.append((number, row))
                // Of many no more are kept than may come.
                if numbers.count >= 2 * limit + 1024 { most = OrderedRows.cut(&numbers, limit) }
            }
        }
        _ = OrderedRows.cut(&numbers, limit)
        var found = numbers.map { (row: $0.row, id: PointID.number($0.number)) }
        if found.count < limit, !texts.isEmpty {
            var last: PointID?
            if case .text = after { last = after }
            found += try textsInOrder(texts, after: last, limit: limit - found.count)
        }
        return found
    }

    /// Keeps the first ones.
    /// - Returns: The last of them, where there are so many.
    private static func cut(_ numbers: inout [(number: UInt64, row: UInt32)], _ limit: Int) -> UInt64? {
        numbers.sort { $0.number < $1.number }
        if numbers.count < limit { return nil }
        numbers.removeLast(numbers.count - limit)
        return numbers.last?.number
    }

    /// Those whose ids are strings, which only the database knows.
    private func textsInOrder(
        _ rows: [UInt32], after: PointID?, limit: Int
    ) throws(VecStoreError) -> [(row: UInt32, id: PointID)] {
        // Few are looked up. Of many the first ones are met soon where one goes through all ids in their order.
        if rows.count <= max(4096, 4 * limit) { return try lookedUp(rows, after: after, limit: limit) }
        let set = try RowSet(span: state.rowCount)
        for row in rows { set.insert(row) }
        let select = try database.statement("SELECT row, id FROM points WHERE id > ?1 ORDER BY id")
        defer { select.reset() }
        try (after ?? .text("")).bind(select, 1)
        var found: [(row: UInt32, id: PointID)] = []
        while found.count < limit, try select.step() {
            guard let row = UInt32(exactly: select.number(0)), set.contains(row) else { continue }
            found.append((row, PointID(select, 1)))
        }
        return found
    }

    private func lookedUp(
        _ rows: [UInt32], after: PointID?, limit: Int
    ) throws(VecStoreError) -> [(row: UInt32, id: PointID)] {
        let select = try database.statement("SELECT id FROM points WHERE row = ?1")
        defer { select.reset() }
        var last: [UInt8]?
        if case .text(let text) = after { last = Array(text.utf8) }
        var found: [(row: UInt32, bytes: [UInt8])] = []
        for row in rows {
            select.reset()
            try select.bind(1, Int64(row))
            guard try select.step() else { continue }
            let bytes = Array(select.bytes(0))
            if last.map({ $0.lexicographicallyPrecedes(bytes) }) ?? true { found.append((row, bytes)) }
        }
        found.sort { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        return found.prefix(limit).map { ($0.row, .text(String(decoding: $0.bytes, as: UTF8.self))) }
    }
}
