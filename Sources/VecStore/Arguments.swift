// SPDX-License-Identifier: Apache-2.0

import VecIndex

// Checks of what callers pass.

/// A file name without an end in the middle.
func checkedPath(_ path: String) throws(CoreError) -> String {
    guard !path.isEmpty && !path.utf8.contains(0) else {
        throw CoreError(.invalidArgument, "path is empty or contains a zero byte")
    }
    return path
}

/// Something to point at where nothing is read.
nonisolated(unsafe) let emptyRow = UnsafeRawPointer(UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64))
