// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// What values of fields become in a payload. The raw values are those of the C header: never renumber them.
package enum FieldValues: UInt32, CaseIterable, Sendable {
    /// Strings.
    case text = 0
    /// Text that is a number in JSON becomes one, all else a string.
    case numbers = 1
    /// Text that is a number, an object, an array, true, false or null in JSON becomes that, all else a string.
    case json = 2
}

/// How hashes become points.
package struct RedisImportOptions {
    package var layout = HashLayout()
    /// Which keys are looked at, in the signs of `KEYS`; nil: all with the prefix.
    package var pattern: [UInt8]?
    /// Fields that the payload has; nil: all but those of vectors.
    package var payloadFields: [String]?
    package var values = FieldValues.text
    /// Points that are written at once.
    package var batchSize = ImportOptions.defaultBatchSize
    /// Whether hashes that cannot be points are passed over.
    package var skipsBad = false
    /// Of an index: threads that add rows.
    package var threads = 1
    /// Is told of hashes that are done, and of keys that there are, whatever the pattern.
    package var progress: Progress?

    package init() {}

    func check() throws(VecStoreError) {
        guard batchSize >= 1 && batchSize <= CollectionLimits.batch else {
            throw VecStoreError(.invalidArgument, "batch_size is \(batchSize): allowed is 1 to \(CollectionLimits.batch)")
        }
    }
}

/// What came of it, also where it ended with an error.
package struct RedisImportResult: Sendable {
    /// Points that were written.
    package var points = 0
    /// Keys that were passed over.
    package var skipped = 0
    /// Why the first of them was.
    package var firstReason: String?

    package init() {}
}
