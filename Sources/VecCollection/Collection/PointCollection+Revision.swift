// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension PointCollection {
    /// Stands for the points that are shown now: the same number in all handles and processes that show the same points, and another one
    /// after each write, and when points have ended. One that has gone does not come again, in copies of the collection neither.
    package func revision() throws(VecStoreError) -> UInt64 { try reading { $0.revision } }
}

extension CollectionState {
    /// Points end without a write: how many of the rows are dead tells how many have. There are fewer than 2^32 rows.
    var revision: UInt64 {
        UInt64(bitPattern: changes) ^ UInt64(truncatingIfNeeded: rowCount - count) << 32
    }
}
