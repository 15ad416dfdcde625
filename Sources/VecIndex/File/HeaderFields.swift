// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// What the header of an inverted file says beside what all have.
struct ListFields {
    /// 0 where it was not trained.
    var nlist: Int
    var storage: ListStorage
    /// The type of the rows that are kept, if any.
    var rowType: ElementType?
    /// Blocks of all lists.
    var blocks: Int
    var assignments: Int
    var codes: ListCodeShape
    /// Whether product codes are of rotated vectors.
    var isRotated: Bool
    /// Bytes of the file of the graph over the centroids; 0 where there is none.
    var graphSize: Int

    /// Bytes of the section of notes.
    static let notesSize = 128

    var layout: ListLayout { codes.layout }
}

/// What the header of a graph says beside what all have.
struct GraphFields {
    var m: Int
    /// How rows are stored; `.auto`: as they were added.
    var storage: GraphStorage
    var fullType: ElementType?
    var isSketched: Bool
    /// Whether the rows of `fullType` lie outside of the file.
    var isExternal: Bool
    /// Lists above level 0.
    var units: Int
    var entry: UInt64
    var root: UInt32

    /// Bytes of the section of notes.
    static let notesSize = 128 + 4 * Landmarks.room

    func shape(_ rows: RowShape) -> GraphShape {
        GraphShape(
            dimension: rows.dimension, metric: rows.metric, type: rows.type, codeBits: storage.codeBits,
            walkType: storage.elementType ?? rows.type, fullType: fullType, m: m, isSketched: isSketched,
            isExternal: isExternal)
    }
}
