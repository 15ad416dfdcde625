// SPDX-License-Identifier: Apache-2.0

import VecCollection

extension PointCollection {
    /// Drawn when the collection was created; copies have the same.
    public var uuid: String { core.uuid.text }

    /// A number that stands for the points that this object shows: whoever keeps results of searches sees by it whether they still hold.
    /// It is the same in all objects and processes that show the same points, another one after every write, and another one when
    /// points have ended. One that has gone does not come again, in copies of the collection neither. Numbers have no order.
    /// - Throws: `.io`, `.outOfMemory`, `.invalidHandle`.
    public func revision() throws(VecStoreError) -> UInt64 {
        try rethrow { () throws(CoreError) in try core.revision() }
    }
}
