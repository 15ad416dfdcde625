// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// A file of vectors beside a file of points.
package struct VectorFile: Sendable {
    /// nil: of the only vector.
    package var name: String?
    package var path: String

    package init(name: String?, path: String) {
        self.name = name
        self.path = path
    }
}

/// How a file becomes points.
package struct ImportOptions {
    /// Points that are written at once.
    package var batchSize = ImportOptions.defaultBatchSize
    /// The first line that is looked at, from 1.
    package var startLine = 1
    /// Whether lines that cannot be points are passed over.
    package var skipsBad = false
    /// Vectors that do not stand in the lines.
    package var vectorFiles: [VectorFile] = []
    /// Whether a line is a payload and nothing else: the first has this id, and each one more.
    package var firstID: UInt64?
    /// Is told of bytes of the file.
    package var progress: Progress?

    package static let defaultBatchSize = 1000

    package init() {}
}

/// What came of it, also where it ended with an error.
package struct ImportResult: Sendable {
    /// Points that were written.
    package var points = 0
    /// Lines that were passed over.
    package var skipped = 0
    /// All lines before are done.
    package var nextLine = 1

    package init() {}
}
