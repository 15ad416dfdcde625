// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// Which field of a hash has which vector of a point.
package struct VectorField: Sendable {
    package var field: String
    /// nil: of the only vector.
    package var vectorName: String?

    package init(_ field: String, vectorName: String? = nil) {
        self.field = field
        self.vectorName = vectorName
    }
}

/// How points lie in hashes: one in each, as programs with a search module of Redis keep them.
package struct HashLayout: Sendable {
    /// What keys begin with. The rest is the id: a number where it is one in plain digits, else a string.
    package var prefix = ""
    /// Empty: each vector is in the field of its name, the only one without a name in `embedding`.
    package var vectorFields: [VectorField] = []
    package var type = BlobType.float32
    /// A field with a JSON object whose members are members of the payload; nil: there is none.
    package var jsonField: String?

    package static let defaultField = "embedding"

    package init() {}

    // MARK: - Keys

    /// The id of a key.
    func id(_ key: [UInt8]) throws(VecStoreError) -> PointID {
        guard key.starts(with: prefix.utf8) else {
            throw VecStoreError(.invalidArgument, "the key does not begin with the prefix '\(prefix)'")
        }
        guard let text = String(validating: key[prefix.utf8.count...], as: UTF8.self) else {
            throw VecStoreError(.invalidArgument, "what follows the prefix is not UTF-8, and no id")
        }
        let id = HashLayout.number(text).map { PointID.number($0) } ?? .text(text)
        try id.check()
        return id
    }

    /// A number whose digits are just those that it is written with.
    static func number(_ text: String) -> UInt64? {
        guard let number = UInt64(text), number <= PointID.largest, "\(number)".utf8.elementsEqual(text.utf8) else { return nil }
        return number
    }

    func key(_ id: PointID) -> [UInt8] {
        switch id {
        case .number(let number): Array(prefix.utf8) + Array("\(number)".utf8)
        case .text(let text): Array(prefix.utf8) + Array(text.utf8)
        }
    }

    /// The pattern of all keys with the prefix, without a meaning for what it has of signs of patterns.
    var pattern: [UInt8] {
        prefix.utf8.flatMap { byte -> [UInt8] in
            "*?[]^\\".utf8.contains(byte) ? [UInt8(ascii: "\\"), byte] : [byte]
        } + [UInt8(ascii: "*")]
    }

    // MARK: - Vectors

    /// The field of a vector.
    struct Column {
        let field: [UInt8]
        /// Of the vector in the settings of the collection.
        let place: Int
        let dimension: Int

        var fieldName: String { String(decoding: field, as: UTF8.self) }
    }

    /// The fields of the vectors of a collection.
    func columns(_ settings: [VectorSettings]) throws(VecStoreError) -> [Column] {
        var columns: [Column] = []
        if vectorFields.isEmpty {
            for (place, vector) in settings.enumerated() {
                let field = vector.name.isEmpty ? HashLayout.defaultField : vector.name
                columns.append(Column(field: Array(field.utf8), place: place, dimension: vector.dimension))
            }
        }
        for one in vectorFields {
            let known = settings.map { "'\($0.name)'" }.joined(separator: ", ")
            guard let place = one.vectorName.map({ name in settings.firstIndex { $0.name == name } }) ?? (settings.count == 1 ? 0 : nil)
            else {
                throw VecStoreError(
                    .invalidArgument, "the field '\(one.field)' is for no vector: the collection has \(known), say one by its name")
            }
            guard !one.field.isEmpty, !columns.contains(where: { $0.place == place || $0.field == Array(one.field.utf8) }) else {
                throw VecStoreError(.invalidArgument, "the field '\(one.field)' or its vector comes twice, or has no name")
            }
            columns.append(Column(field: Array(one.field.utf8), place: place, dimension: settings[place].dimension))
        }
        try checkJSONField(columns)
        return columns
    }

    private func checkJSONField(_ columns: [Column]) throws(VecStoreError) {
        guard let jsonField else { return }
        guard !columns.contains(where: { $0.field == Array(jsonField.utf8) }) else {
            throw VecStoreError(.invalidArgument, "the field '\(jsonField)' cannot have a vector and JSON")
        }
    }

    /// The same for the vector of an index.
    func column(_ index: any VectorIndex) throws(VecStoreError) -> Column {
        guard vectorFields.count <= 1, vectorFields.first?.vectorName == nil else {
            throw VecStoreError(.invalidArgument, "an index has one vector, without a name: say one field for it")
        }
        return try columns([VectorSettings(dimension: index.dimension)])[0]
    }
}
