// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// How points become a file.
package struct ExportOptions {
    /// As JSON; nil: all points.
    package var filter: [UInt8]?
    /// Vectors that are not to stand in the lines.
    package var vectorFiles: [VectorFile] = []
    /// Is told of points.
    package var progress: Progress?

    package init() {}
}
