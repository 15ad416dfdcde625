// SPDX-License-Identifier: Apache-2.0

/// Rows that died, and that searches may still go by which began before: they stay in the indexes of fields until the last of these
/// has ended. Later searches pass over dead rows by themselves.
struct Graveyard {
    private struct Grave {
        /// The state before the rows died.
        weak var state: CollectionState?
        let rows: [UInt32]
    }

    /// In the order of the states.
    private var graves: [Grave] = []

    mutating func bury(_ rows: [UInt32], _ state: CollectionState) {
        if !rows.isEmpty { graves.append(Grave(state: state, rows: rows)) }
    }

    var isEmpty: Bool { graves.isEmpty }

    /// Takes rows that nobody goes by any more out of what is in memory of fields. Where a state is held, those before it may
    /// be too.
    mutating func forget(_ fields: FieldTable) {
        let count = graves.firstIndex { $0.state != nil } ?? graves.count
        let rows = graves.prefix(count).flatMap(\.rows)
        graves.removeFirst(count)
        for field in fields.fields { if let loaded = field.loaded { for row in rows { loaded.remove(row) } } }
    }
}
