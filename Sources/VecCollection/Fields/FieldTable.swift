// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The fields that have an index.
struct FieldTable: Sendable {
    private(set) var fields: [Field] = []

    var isEmpty: Bool { fields.isEmpty }

    /// Those that the database names.
    init(_ database: Database) throws(VecStoreError) {
        let select = try database.statement("SELECT path, place, type, options FROM fields ORDER BY place")
        defer { select.reset() }
        while try select.step() {
            guard let path = try? PayloadPath(select.text(0)), let type = FieldIndexType(rawValue: select.text(2)),
                let tokenizer = Tokenizer.Kind(rawValue: select.text(3)), let place = Int32(exactly: select.number(1)), place >= 0
            else {
                throw VecStoreError(.corrupt, "'\(database.path)': what it says of the field '\(select.text(0))' is damaged")
            }
            fields.append(Field(path: path, type: type, place: Int(place), tokenizer: tokenizer))
        }
    }

    /// The field that has the words of a path.
    func text(_ path: PayloadPath) -> Field? { fields.first { $0.path == path && $0.type == .text } }

    func adding(_ field: Field) -> FieldTable {
        var table = self
        table.fields.append(field)
        return table
    }

    func removing(_ gone: [Field]) -> FieldTable {
        var table = self
        table.fields.removeAll { field in gone.contains { $0 === field } }
        return table
    }
}
