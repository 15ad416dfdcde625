// SPDX-License-Identifier: Apache-2.0

/// The distance of one query and one row.
/// - Parameters: query, row, dimension (for bits: number of bits).
package typealias PairKernel = @convention(c) (UnsafeRawPointer, UnsafeRawPointer, Int) -> Float

/// The distances of one query to `count` rows that lie `stride` bytes apart.
/// - Parameters: query, first row, stride, count, dimension, distances (count floats).
package typealias RowsKernel = @convention(c) (
    UnsafeRawPointer, UnsafeRawPointer, Int, Int, Int, UnsafeMutablePointer<Float>
) -> Void

/// The distances of one query to the rows at the positions listed; rows to come are prefetched.
/// - Parameters: query, row 0, stride, positions, count, dimension, distances (count floats).
package typealias GatherKernel = @convention(c) (
    UnsafeRawPointer, UnsafeRawPointer, Int, UnsafePointer<UInt32>, Int, Int, UnsafeMutablePointer<Float>
) -> Void

/// The distances of one query to the rows at the addresses listed; rows to come are prefetched.
/// - Parameters: query, addresses, count, dimension, distances (count floats).
package typealias ListKernel = @convention(c) (
    UnsafeRawPointer, UnsafePointer<UnsafeRawPointer>, Int, Int, UnsafeMutablePointer<Float>
) -> Void

/// The four forms of one distance. They add in the same order, so they give the same bits.
///
/// Pointers need no alignment. The query is float32 for float rows of any width, else of the type of the rows. Input is
/// finite, and small enough that no sum overflows: see `Limits`.
package struct DistanceKernels: Sendable {
    package let pair: PairKernel
    package let rows: RowsKernel
    package let gather: GatherKernel
    package let list: ListKernel

    package init(
        pair: @escaping PairKernel, rows: @escaping RowsKernel, gather: @escaping GatherKernel,
        list: @escaping ListKernel
    ) {
        self.pair = pair
        self.rows = rows
        self.gather = gather
        self.list = list
    }
}

/// Σ x² of `count` rows, added in the order of the inner product kernel.
/// - Parameters: first row, stride, count, dimension, sums (count floats).
package typealias SquaredNormsKernel = @convention(c) (
    UnsafeRawPointer, Int, Int, Int, UnsafeMutablePointer<Float>
) -> Void

/// Σ weight · row over the float32 rows at the positions listed, in their order.
/// - Parameters: row 0, stride (in bytes), positions, weights (of each row at its position; nil: 1), count, dimension, sums
///   (dimension floats, which are replaced).
package typealias SumRowsKernel = @convention(c) (
    UnsafeRawPointer, Int, UnsafePointer<UInt32>, UnsafePointer<Float>?, Int, Int, UnsafeMutablePointer<Float>
) -> Void

/// Converts `count` elements. Rounds to nearest, ties to even.
package typealias ConvertKernel = @convention(c) (UnsafeRawPointer, UnsafeMutableRawPointer, Int) -> Void

/// Whether all of `count` float elements are finite.
package typealias FiniteKernel = @convention(c) (UnsafeRawPointer, Int) -> Bool

/// Writes the positions of the values that are at most `limit`, in order, and returns how many. NaN is never at most.
/// - Parameters: values, count, limit, positions (room for count).
package typealias SelectKernel = @convention(c) (
    UnsafePointer<Float>, Int, Float, UnsafeMutablePointer<UInt32>
) -> Int

/// The same over `offset[i] + scale[i] * product[i]`: what a matrix product says of a distance.
/// - Parameters: products, offsets, scales, count, limit, positions (room for count).
package typealias SelectAffineKernel = @convention(c) (
    UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, Int, Float, UnsafeMutablePointer<UInt32>
) -> Int

/// Merges different numbers into a sorted list of others, and drops the largest of all where there are too many.
/// - Parameters: entries (sorted; room for capacity), count, capacity, batch (in any order; room for 7 more), batchCount (1
///   to `largestMerge`), room (for as many, for work).
/// - Returns: Where the first of the new ones is now; the new count where none came in.
package typealias MergeKernel = @convention(c) (
    UnsafeMutablePointer<UInt64>, Int, Int, UnsafeMutablePointer<UInt64>, Int, UnsafeMutablePointer<UInt64>
) -> Int

/// Loads every whole register of `count` bytes and does next to nothing with it: what memory and caches can deliver at
/// most, for benchmarks.
package typealias LoadKernel = @convention(c) (UnsafeRawPointer, Int) -> UInt32

/// All kernels for one instruction set. A class, because it is large, and what searches passes it on.
package final class KernelTable: Sendable {
    package let isa: InstructionSet

    /// Indexed by `slot(metric, type)`; nil where the pair makes no sense.
    package let distances: [DistanceKernels?]
    /// The inner product of a bfloat16 query with bfloat16 rows, where the processor has an instruction for it; nil
    /// elsewhere. Rounds in another order than the kernel for float32 queries.
    package let bfloat16Product: DistanceKernels?
    /// Indexed by the raw value of the element type; nil for bits.
    package let squaredNorms: [SquaredNormsKernel?]
    package let sumRows: SumRowsKernel
    /// From float16 and bfloat16 to float32 and back.
    package let widenFloat16: ConvertKernel
    package let widenBFloat16: ConvertKernel
    package let narrowFloat16: ConvertKernel
    package let narrowBFloat16: ConvertKernel
    /// Indexed by the raw value of the element type; nil for those that are always finite.
    package let allFinite: [FiniteKernel?]
    package let select: SelectKernel
    package let selectAffine: SelectAffineKernel
    package let merge: MergeKernel
    package let codes: CodeKernels
    package let scalarCodes: ScalarCodeKernels
    package let subspaces: SubspaceKernels
    package let listCodes: ListCodeKernels
    package let listTables: ListTableKernels
    package let grid: GridKernels
    package let rotation: RotationKernels
    package let load: LoadKernel

    package init(
        isa: InstructionSet,
        distances: [DistanceKernels?],
        bfloat16Product: DistanceKernels?,
        squaredNorms: [SquaredNormsKernel?],
        sumRows: @escaping SumRowsKernel,
        widenFloat16: @escaping ConvertKernel,
        widenBFloat16: @escaping ConvertKernel,
        narrowFloat16: @escaping ConvertKernel,
        narrowBFloat16: @escaping ConvertKernel,
        allFinite: [FiniteKernel?],
        select: @escaping SelectKernel,
        selectAffine: @escaping SelectAffineKernel,
        merge: @escaping MergeKernel,
        codes: CodeKernels,
        scalarCodes: ScalarCodeKernels,
        subspaces: SubspaceKernels,
        listCodes: ListCodeKernels,
        listTables: ListTableKernels,
        grid: GridKernels,
        rotation: RotationKernels,
        load: @escaping LoadKernel
    ) {
        self.isa = isa
        self.distances = distances
        self.bfloat16Product = bfloat16Product
        self.squaredNorms = squaredNorms
        self.sumRows = sumRows
        self.widenFloat16 = widenFloat16
        self.widenBFloat16 = widenBFloat16
        self.narrowFloat16 = narrowFloat16
        self.narrowBFloat16 = narrowBFloat16
        self.allFinite = allFinite
        self.select = select
        self.selectAffine = selectAffine
        self.merge = merge
        self.codes = codes
        self.scalarCodes = scalarCodes
        self.subspaces = subspaces
        self.listCodes = listCodes
        self.listTables = listTables
        self.grid = grid
        self.rotation = rotation
        self.load = load
    }

    package static let slotCount = 7 * 7
    /// The most that one call of `merge` takes.
    package static let largestMerge = 32

    package static func slot(_ metric: Metric, _ type: ElementType) -> Int {
        Int(metric.rawValue) * 7 + Int(type.rawValue)
    }

    /// The distance kernels for a metric and an element type; nil where the pair makes no sense.
    package func distance(_ metric: Metric, _ type: ElementType) -> DistanceKernels? {
        distances[KernelTable.slot(metric, type)]
    }

    package func squaredNorms(_ type: ElementType) -> SquaredNormsKernel? {
        squaredNorms[Int(type.rawValue)]
    }
}
