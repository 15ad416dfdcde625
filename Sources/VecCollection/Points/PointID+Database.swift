// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension PointID {
    /// The largest number that is an id, as for an index: the one above it marks what is missing.
    package static let largest = noID - 1

    /// Refuses what cannot be an id.
    package func check() throws(VecStoreError) {
        switch self {
        case .number(let number):
            guard number <= PointID.largest else {
                throw VecStoreError(.invalidArgument, "the id \(number) is not allowed: ids are 0 to \(PointID.largest), or strings")
            }
        case .text(let text):
            let bytes = text.utf8.count
            guard bytes >= 1 && bytes <= CollectionLimits.idBytes else {
                throw VecStoreError(
                    .invalidArgument, "an id has \(bytes) bytes: strings of 1 to \(CollectionLimits.idBytes) bytes are allowed")
            }
            guard !text.utf8.contains(0) else { throw VecStoreError(.invalidArgument, "an id holds a NUL character") }
        }
    }

    func bind(_ statement: Statement, _ place: Int32) throws(VecStoreError) {
        switch self {
        case .number(let number): try statement.bind(place, Int64(bitPattern: number))
        case .text(let text): try statement.bind(place, text)
        }
    }

    /// The id in a column.
    init(_ statement: Statement, _ column: Int32) {
        switch statement.type(column) {
        case .number: self = .number(UInt64(bitPattern: statement.number(column)))
        default: self = .text(statement.text(column))
        }
    }
}
