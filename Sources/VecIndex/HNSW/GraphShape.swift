// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// What the rows and lists of a graph look like in memory and in a file.
struct GraphShape: Sendable, Equatable {
    let dimension: Int
    let metric: Metric
    /// The type that rows are added as.
    let type: ElementType
    /// Bits of an element in the trained codes that the walk compares with, 8 or 4; 0: it compares with elements.
    let codeBits: Int
    /// The type of the rows that the walk compares with, where they are not coded.
    let walkType: ElementType
    /// The type of finer rows that results are ranked with; nil where there are none.
    let fullType: ElementType?
    let m: Int
    /// Whether the walk compares 4-bit sketches first, and the codes only of rows that these put near.
    var isSketched = false
    /// Whether the finer rows, once there are such, lie outside of the index (`ExternalRows`).
    var isExternal = false

    var isCoded: Bool { codeBits > 0 }

    /// Whether there are codes of 4 bits alone, two to a byte.
    var isPacked: Bool { codeBits == 4 }

    /// Bytes of a sketch, or of a row of 4-bit codes: 4 bits for each element, in whole cache lines.
    var sketchStride: Int { (dimension + 127) / 128 * 64 }

    /// Elements from which a sketch is less to read than the codes.
    static let leastSketchedDimension = 96

    /// Links of a list of level 0.
    var baseLinks: Int { 2 * m }

    func links(_ level: Int) -> Int { level == 0 ? baseLinks : m }

    /// Bytes from row to row: whole cache lines, where that costs little.
    var walkStride: Int {
        if isPacked { return sketchStride }
        let size = isCoded ? dimension : walkType.rowSize(dimension)
        let lines = (size + 63) / 64 * 64
        return lines - size <= size / 16 ? lines : (size + 15) / 16 * 16
    }

    /// Whether there are finer rows in the index itself.
    var keepsFullRows: Bool { fullType != nil && !isExternal }

    /// Bytes of a finer row in the index.
    var fullStride: Int { isExternal ? 0 : fullType?.rowSize(dimension) ?? 0 }

    /// Bytes of what the walk needs of each row beside its elements: 1 / ‖x‖ under cosine, of 8-bit codes Σ x² under l2sq,
    /// of 4-bit codes a `PackedFactors`.
    var factorStride: Int {
        switch codeBits {
        case 4: MemoryLayout<PackedFactors>.stride
        case 8: metric == .l2Squared ? 4 : 0
        default: metric == .cosine ? 4 : 0
        }
    }

    var keepsFactors: Bool { factorStride > 0 }

    var keepsSketchFactors: Bool { isSketched && metric == .l2Squared }

    /// The type of the rows that distances are computed from in the end; nil where they are those of the codes.
    var exactType: ElementType? { fullType ?? (isCoded ? nil : walkType) }

    var keepsInverseNorms: Bool { metric == .cosine && exactType != nil }

    /// Bytes of a row in all columns but the lists of upper levels.
    var bytesPerRow: Int {
        walkStride + fullStride + (isSketched ? sketchStride : 0) + (keepsSketchFactors ? 4 : 0) + factorStride + (keepsInverseNorms ? 8 : 0) + 8 + 4 * baseLinks + 4 + 4 + 1
    }
}
