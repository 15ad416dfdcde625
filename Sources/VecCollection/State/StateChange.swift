// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// What a write changes of the state, collected while the database is changed, and shown once that is done.
///
/// After `prepare` nothing can fail any more: what was committed is seen.
struct StateChange {
    private let collection: PointCollection
    private let before: CollectionState
    /// Rows that have been handed out, with those of this write.
    private let rowCount: Int
    private var addedRows: [Int] = []
    private var missing: [(row: Int, vectors: UInt64)] = []
    private var removedRows: [Int] = []
    private var nextExpiry = Int64.max
    private var hasTextIDs = false
    private var changes: Int64 = 0
    /// Memory for the sets of the next state.
    private var spareDead: RowSet?
    private var spareHidden: [RowSet?]

    /// - Parameter rowCount: nil: the write adds none.
    init(_ collection: PointCollection, rowCount: Int? = nil) throws(VecStoreError) {
        self.collection = collection
        before = collection.current
        self.rowCount = rowCount ?? before.rowCount
        spareHidden = [RowSet?](repeating: nil, count: collection.settings.count)
        try before.store.points.reserve(self.rowCount)
    }

    mutating func add(_ row: Int, _ id: PointID, missing vectors: UInt64) {
        before.store.points.set(row, id)
        addedRows.append(row)
        if case .text = id { hasTextIDs = true }
        if vectors != 0 { missing.append((row, vectors)) }
    }

    mutating func remove(_ row: Int) { removedRows.append(row) }

    mutating func noteExpiry(_ time: Int64) { nextExpiry = min(nextExpiry, time) }

    /// Counts it among the changes of the database, and makes sure of the memory that showing it takes. The last step before the
    /// commit.
    mutating func prepare(_ database: Database) throws(VecStoreError) {
        try Catalog.noteChange(database)
        changes = try Catalog.changes(database)
        let leavesHoles = addedRows.count != rowCount - before.rowCount
        if !removedRows.isEmpty || leavesHoles { spareDead = try RowSet(span: rowCount) }
        for place in collection.settings.indices {
            let isShared = before.vectors[place].hidden === before.dead
            let getsOwn = missing.contains { $0.vectors & (1 << UInt64(place)) != 0 }
            if getsOwn || (!isShared && spareDead != nil) { spareHidden[place] = try RowSet(span: rowCount) }
        }
    }

    /// Shows it: after the commit, by the one writer.
    func publish() {
        // Of rows that there is room for: it cannot fail.
        for file in before.store.files { try? file.external.grow(to: rowCount) }
        collection.publish(next)
        if nextExpiry != .max { collection.nextExpiry.min(nextExpiry, ordering: .relaxed) }
    }

    private func next(_ old: CollectionState) -> CollectionState {
        var count = old.count + addedRows.count
        var dead = old.dead
        if let spare = spareDead {
            spare.take(old.dead)
            markHoles(spare, old.rowCount)
            for row in removedRows where spare.add(row) { count -= 1 }
            dead = spare
        }
        var vectors = old.vectors
        for place in vectors.indices {
            let bit: UInt64 = 1 << UInt64(place)
            vectors[place].waiting = collection.waiting[place]
            vectors[place].count += addedRows.count - missing.reduce(0) { $0 + ($1.vectors & bit != 0 ? 1 : 0) }
            let wasShared = old.vectors[place].hidden === old.dead
            guard let spare = spareHidden[place] else {
                if wasShared, let dead, spareDead != nil { hide(dead, &vectors[place], old.vectors[place]) }
                continue
            }
            spare.take(old.vectors[place].hidden)
            markHoles(spare, old.rowCount)
            for (row, absent) in missing where absent & bit != 0 { _ = spare.add(row) }
            for row in removedRows where spare.add(row) { lose(row, &vectors[place]) }
            vectors[place].hidden = spare
        }
        return CollectionState(
            version: old.version + 1, changes: changes, store: old.store, rowCount: max(old.rowCount, rowCount), count: count,
            hasTextIDs: old.hasTextIDs || hasTextIDs, dead: dead, vectors: vectors,
            fields: old.fields)
    }

    /// The set of dead rows hides those of a vector that every point has.
    private func hide(_ dead: RowSet, _ vector: inout VectorState, _ old: VectorState) {
        vector.hidden = dead
        var counted = Set<Int>()
        for row in removedRows where counted.insert(row).inserted && !(old.hidden?.contains(UInt32(row)) ?? false) {
            lose(row, &vector)
        }
    }

    private func lose(_ row: Int, _ vector: inout VectorState) {
        vector.count -= 1
        if row < vector.indexedRows { vector.hiddenInGraph += 1 }
    }

    /// Rows whose numbers were lost to writes that failed.
    private func markHoles(_ set: RowSet, _ from: Int) {
        guard addedRows.count != rowCount - from else { return }
        set.insert(from..<rowCount)
        for row in addedRows { set.remove(UInt32(row)) }
    }
}
