// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

/// Points that one call writes. A view: the caller keeps the memory until the call returns.
package struct PointBatch {
    /// The vectors of one name, one for each point.
    package struct Vectors {
        package var name: String?
        package var rows: UnsafeRawPointer
        package var type: ElementType
        /// A byte for each point: 0 says that it has no vector of this name, whose place among the rows is passed over; nil: all have.
        package var present: UnsafePointer<UInt8>?

        package init(name: String?, rows: UnsafeRawPointer, type: ElementType, present: UnsafePointer<UInt8>? = nil) {
            self.name = name
            self.rows = rows
            self.type = type
            self.present = present
        }
    }

    package var ids: [PointID]
    package var vectors: [Vectors]
    /// JSON objects; nil: none has one, an empty one too.
    package var payloads: [UnsafeBufferPointer<UInt8>]?
    /// When points end, in microseconds since 1970; 0: never. nil: none does.
    package var expires: UnsafePointer<Int64>?

    package init(
        ids: [PointID], vectors: [Vectors], payloads: [UnsafeBufferPointer<UInt8>]? = nil, expires: UnsafePointer<Int64>? = nil
    ) {
        self.ids = ids
        self.vectors = vectors
        self.payloads = payloads
        self.expires = expires
    }
}
