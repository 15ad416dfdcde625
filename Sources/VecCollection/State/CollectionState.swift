// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// What a collection shows at one moment. It never changes: a search takes it and needs no lock after that, and a write puts a new
/// one in its place.
final class CollectionState: Sendable {
    /// Rises with each change of the points: what was found out about one state holds as long as this stays.
    let version: Int
    /// What the database says of its changes at this state: a snapshot of it that says the same shows the same points.
    let changes: Int64
    /// Where the rows lie.
    let store: RowStore
    /// Rows that have been handed out: those below are there, or dead.
    let rowCount: Int
    /// Points that there are.
    let count: Int
    /// Rows of points that were removed or replaced, or never came to be; nil: none. Rows beyond its count are alive.
    let dead: RowSet?
    /// In the order of the settings.
    let vectors: [VectorState]
    /// Fields that have an index.
    let fields: FieldTable

    /// Whether there may be ids that are strings, which only the database knows.
    let hasTextIDs: Bool

    init(
        version: Int, changes: Int64, store: RowStore, rowCount: Int, count: Int, hasTextIDs: Bool, dead: RowSet?,
        vectors: [VectorState], fields: FieldTable
    ) {
        self.version = version
        self.changes = changes
        self.store = store
        self.hasTextIDs = hasTextIDs
        self.rowCount = rowCount
        self.count = count
        self.dead = dead
        self.vectors = vectors
        self.fields = fields
    }

    /// The same as what comes after another state.
    func following(_ old: CollectionState) -> CollectionState {
        CollectionState(
            version: old.version + 1, changes: changes, store: store, rowCount: rowCount, count: count, hasTextIDs: hasTextIDs,
            dead: dead, vectors: vectors, fields: fields)
    }

    /// The same points with other indexes of fields.
    func having(_ fields: FieldTable, changes: Int64) -> CollectionState {
        CollectionState(
            version: version + 1, changes: changes, store: store, rowCount: rowCount, count: count, hasTextIDs: hasTextIDs,
            dead: dead, vectors: vectors, fields: fields)
    }

    func isAlive(_ row: Int) -> Bool {
        guard row < rowCount else { return false }
        guard let dead else { return true }
        return !dead.contains(UInt32(truncatingIfNeeded: row))
    }
}

/// The vectors of one name at one moment.
struct VectorState: Sendable {
    /// Rows that are dead, or alive without this vector; nil: none. Rows beyond its count have one.
    var hidden: RowSet?
    /// Rows that have this vector.
    var count: Int
    /// What finds the nearest of the rows below `indexedRows`; nil: nothing but comparing all.
    var graph: (any VectorIndex)?
    var indexedRows = 0
    /// Codes of the rows that wait for it.
    var waiting = WaitingRows()
    /// Rows of the graph that are hidden by now.
    var hiddenInGraph = 0
    /// Why the graph that was saved is not this one; nil where it is, or there was none.
    var graphFailure: String?
}
