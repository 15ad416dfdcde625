// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The rows of true and of false.
///
/// Not thread-safe: whoever owns it guards it with a readers-writer lock.
final class BoolIndex {
    private var yes = Posting()
    private var no = Posting()

    init() {}

    /// That of a file.
    init(_ file: FieldReader) throws(VecStoreError) {
        yes = try file.posting()
        no = try file.posting()
    }

    func write(_ file: FieldFileWriter) throws(VecStoreError) {
        for value in [true, false] {
            let set = try RowSet(span: file.rowCount)
            addRows(equalTo: value, to: set)
            try file.append(set)
        }
    }

    var bytes: Int { yes.bytes + no.bytes }

    /// Gives a row its values, in the place of those it had. Where it throws, the row has none.
    func set(row: UInt32, values: [Bool]) throws(VecStoreError) {
        remove(row: row)
        do throws(VecStoreError) {
            if values.contains(true) { _ = try yes.insert(row) }
            if values.contains(false) { _ = try no.insert(row) }
        } catch {
            remove(row: row)
            throw error
        }
    }

    func remove(row: UInt32) {
        _ = yes.remove(row)
        _ = no.remove(row)
    }

    func addRows(equalTo value: Bool, to set: RowSet) {
        if value { yes.add(to: set) } else { no.add(to: set) }
    }

    func count(equalTo value: Bool) -> Int { value ? yes.count : no.count }

    /// How many rows of `set`, or of all, have the value.
    func count(equalTo value: Bool, among set: RowSet?) -> Int {
        guard let set else { return count(equalTo: value) }
        return value ? yes.count(in: set) : no.count(in: set)
    }
}
