// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// How points become hashes.
package struct RedisExportOptions {
    package var layout = HashLayout()
    /// As JSON; nil: all points.
    package var filter: [UInt8]?
    /// Is told of points.
    package var progress: Progress?

    package init() {}
}
