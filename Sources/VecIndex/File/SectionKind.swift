// SPDX-License-Identifier: Apache-2.0

/// The sections of a file. The raw values are those of the file: never renumber them.
enum SectionKind: UInt32, CaseIterable {
    /// The rows, `rowSize` bytes each.
    case rows = 1
    /// Their ids, u64 each.
    case ids = 2
    /// Positions of the rows, u32 each, in the order of their ids; absent where the ids ascend.
    case idOrder = 3
    /// Σ x² of each row, f32; under l2sq and ip of float types.
    case squaredNorms = 4
    /// 1 / ‖x‖ of each row, f64; under cosine.
    case inverseNorms = 5
    /// 8-bit codes of the rows, `dim` bytes each.
    case codes = 6
    /// The scale of each code, f32.
    case codeScale = 7
    /// The bound on the error of each code, f32.
    case codeError = 8

    // Of a graph.
    /// How it was made, and what training and calibration found.
    case graphNotes = 16
    /// The centers and the steps of the quantizer, f32 each; where rows are coded.
    case quantizer = 17
    /// The rows that the walk compares, `walkStride` bytes each.
    case walkRows = 18
    /// A number of each row for the walk, f32.
    case walkFactors = 19
    /// Finer rows.
    case fullRows = 20
    /// Links of level 0: 2m u32 each.
    case links = 21
    /// Parents in the tree, u32 each.
    case parents = 22
    /// Levels, u8 each.
    case levels = 23
    /// The first list above level 0 of each row, u32.
    case upperPlaces = 24
    /// Lists above level 0: m u32 each.
    case upperLinks = 25
    /// The centers and the steps of the quantizer of sketches, f32 each.
    case sketcher = 26
    /// 4-bit sketches, `sketchStride` bytes each.
    case sketches = 27
    /// A number of each row for walks by sketches, f32.
    case sketchFactors = 28

    // Of an inverted file.
    /// How it was made, and what training found.
    case listNotes = 32
    /// The centroids, `dim` f32 each.
    case centroids = 33
    /// Radius and reach of each list, f32: all radii, then all reaches.
    case listNumbers = 34
    /// The centroids of the parts of a product quantizer, 16 each, f32.
    case codebooks = 35
    /// The rows of each list, u32.
    case listCounts = 36
    /// Blocks of 32 rows, one list behind the other.
    case listBlocks = 37
    /// The lists that each row is in, `assignments` u32 each.
    case homes = 38
    /// The graph over the centroids: a whole file of one.
    case listGraph = 39

    // Of a quantizer.
    /// The centers and the steps of scalar codes, f32 each.
    case ranges = 48
    /// The centroids of the parts of product codes, f32.
    case partCentroids = 49
    /// The rotation before product codes, dim × dim f32.
    case rotation = 50
    /// The mean that binary codes are relative to, f32.
    case mean = 51

    // Of an index of any kind that was chosen automatically.
    /// What it was to be chosen by, and what was chosen.
    case autoNotes = 56
}
