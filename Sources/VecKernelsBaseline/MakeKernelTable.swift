// SPDX-License-Identifier: Apache-2.0

import CVecShims
package import VecKernelTypes

// Each closure below is one compiled kernel: everything it calls is inlined into it, so that nothing of a build for one
// instruction set can be shared with another.


private func setFloatKernels(_ set: (Metric, ElementType, DistanceKernels) -> Void) {
    set(
        .l2Squared, .float32,
        DistanceKernels(
            pair: { q, x, d in floatPair(Float32Rows.self, SquaredDifference.self, q, x, d) },
            rows: { q, x, s, n, d, o in floatRows(Float32Rows.self, SquaredDifference.self, q, x, s, n, d, o) },
            gather: { q, x, s, p, n, d, o in floatGather(Float32Rows.self, SquaredDifference.self, q, Positions(x, s, p), n, d, o) },
            list: { q, p, n, d, o in floatGather(Float32Rows.self, SquaredDifference.self, q, Addresses(p), n, d, o) }))
    set(
        .innerProduct, .float32,
        DistanceKernels(
            pair: { q, x, d in floatPair(Float32Rows.self, Product.self, q, x, d) },
            rows: { q, x, s, n, d, o in floatRows(Float32Rows.self, Product.self, q, x, s, n, d, o) },
            gather: { q, x, s, p, n, d, o in floatGather(Float32Rows.self, Product.self, q, Positions(x, s, p), n, d, o) },
            list: { q, p, n, d, o in floatGather(Float32Rows.self, Product.self, q, Addresses(p), n, d, o) }))
    set(
        .l1, .float32,
        DistanceKernels(
            pair: { q, x, d in floatPair(Float32Rows.self, AbsoluteDifference.self, q, x, d) },
            rows: { q, x, s, n, d, o in floatRows(Float32Rows.self, AbsoluteDifference.self, q, x, s, n, d, o) },
            gather: { q, x, s, p, n, d, o in floatGather(Float32Rows.self, AbsoluteDifference.self, q, Positions(x, s, p), n, d, o) },
            list: { q, p, n, d, o in floatGather(Float32Rows.self, AbsoluteDifference.self, q, Addresses(p), n, d, o) }))
    set(
        .cosine, .float32,
        DistanceKernels(
            pair: { q, x, d in floatCosinePair(Float32Rows.self, q, x, d) },
            rows: { q, x, s, n, d, o in floatCosineRows(Float32Rows.self, q, x, s, n, d, o) },
            gather: { q, x, s, p, n, d, o in floatCosineGather(Float32Rows.self, q, Positions(x, s, p), n, d, o) },
            list: { q, p, n, d, o in floatCosineGather(Float32Rows.self, q, Addresses(p), n, d, o) }))
    set(
        .l2Squared, .float16,
        DistanceKernels(
            pair: { q, x, d in floatPair(Float16Rows.self, SquaredDifference.self, q, x, d) },
            rows: { q, x, s, n, d, o in floatRows(Float16Rows.self, SquaredDifference.self, q, x, s, n, d, o) },
            gather: { q, x, s, p, n, d, o in floatGather(Float16Rows.self, SquaredDifference.self, q, Positions(x, s, p), n, d, o) },
            list: { q, p, n, d, o in floatGather(Float16Rows.self, SquaredDifference.self, q, Addresses(p), n, d, o) }))
    set(
        .innerProduct, .float16,
        DistanceKernels(
            pair: { q, x, d in floatPair(Float16Rows.self, Product.self, q, x, d) },
            rows: { q, x, s, n, d, o in floatRows(Float16Rows.self, Product.self, q, x, s, n, d, o) },
            gather: { q, x, s, p, n, d, o in floatGather(Float16Rows.self, Product.self, q, Positions(x, s, p), n, d, o) },
            list: { q, p, n, d, o in floatGather(Float16Rows.self, Product.self, q, Addresses(p), n, d, o) }))
    set(
        .l1, .float16,
        DistanceKernels(
            pair: { q, x, d in floatPair(Float16Rows.self, AbsoluteDifference.self, q, x, d) },
            rows: { q, x, s, n, d, o in floatRows(Float16Rows.self, AbsoluteDifference.self, q, x, s, n, d, o) },
            gather: { q, x, s, p, n, d, o in floatGather(Float16Rows.self, AbsoluteDifference.self, q, Positions(x, s, p), n, d, o) },
            list: { q, p, n, d, o in floatGather(Float16Rows.self, AbsoluteDifference.self, q, Addresses(p), n, d, o) }))
    set(
        .cosine, .float16,
        DistanceKernels(
            pair: { q, x, d in floatCosinePair(Float16Rows.self, q, x, d) },
            rows: { q, x, s, n, d, o in floatCosineRows(Float16Rows.self, q, x, s, n, d, o) },
            gather: { q, x, s, p, n, d, o in floatCosineGather(Float16Rows.self, q, Positions(x, s, p), n, d, o) },
            list: { q, p, n, d, o in floatCosineGather(Float16Rows.self, q, Addresses(p), n, d, o) }))
    set(
        .l2Squared, .bfloat16,
        DistanceKernels(
            pair: { q, x, d in floatPair(BFloat16Rows.self, SquaredDifference.self, q, x, d) },
            rows: { q, x, s, n, d, o in floatRows(BFloat16Rows.self, SquaredDifference.self, q, x, s, n, d, o) },
            gather: { q, x, s, p, n, d, o in floatGather(BFloat16Rows.self, SquaredDifference.self, q, Positions(x, s, p), n, d, o) },
            list: { q, p, n, d, o in floatGather(BFloat16Rows.self, SquaredDifference.self, q, Addresses(p), n, d, o) }))
    set(
        .innerProduct, .bfloat16,
        DistanceKernels(
            pair: { q, x, d in floatPair(BFloat16Rows.self, Product.self, q, x, d) },
            rows: { q, x, s, n, d, o in floatRows(BFloat16Rows.self, Product.self, q, x, s, n, d, o) },
            gather: { q, x, s, p, n, d, o in floatGather(BFloat16Rows.self, Product.self, q, Positions(x, s, p), n, d, o) },
            list: { q, p, n, d, o in floatGather(BFloat16Rows.self, Product.self, q, Addresses(p), n, d, o) }))
    set(
        .l1, .bfloat16,
        DistanceKernels(
            pair: { q, x, d in floatPair(BFloat16Rows.self, AbsoluteDifference.self, q, x, d) },
            rows: { q, x, s, n, d, o in floatRows(BFloat16Rows.self, AbsoluteDifference.self, q, x, s, n, d, o) },
            gather: { q, x, s, p, n, d, o in floatGather(BFloat16Rows.self, AbsoluteDifference.self, q, Positions(x, s, p), n, d, o) },
            list: { q, p, n, d, o in floatGather(BFloat16Rows.self, AbsoluteDifference.self, q, Addresses(p), n, d, o) }))
    set(
        .cosine, .bfloat16,
        DistanceKernels(
            pair: { q, x, d in floatCosinePair(BFloat16Rows.self, q, x, d) },
            rows: { q, x, s, n, d, o in floatCosineRows(BFloat16Rows.self, q, x, s, n, d, o) },
            gather: { q, x, s, p, n, d, o in floatCosineGather(BFloat16Rows.self, q, Positions(x, s, p), n, d, o) },
            list: { q, p, n, d, o in floatCosineGather(BFloat16Rows.self, q, Addresses(p), n, d, o) }))
}

private func setByteKernels(_ set: (Metric, ElementType, DistanceKernels) -> Void) {
    set(
        .l2Squared, .int8,
        DistanceKernels(
            pair: { q, x, d in bytePair(Int8SquaredDifference.self, q, x, d) },
            rows: { q, x, s, n, d, o in byteRows(Int8SquaredDifference.self, q, x, s, n, d, o) },
            gather: { q, x, s, p, n, d, o in byteGather(Int8SquaredDifference.self, q, Positions(x, s, p), n, d, o) },
            list: { q, p, n, d, o in byteGather(Int8SquaredDifference.self, q, Addresses(p), n, d, o) }))
    set(
        .innerProduct, .int8,
        DistanceKernels(
            pair: { q, x, d in bytePair(Int8Product.self, q, x, d) },
            rows: { q, x, s, n, d, o in byteRows(Int8Product.self, q, x, s, n, d, o) },
            gather: { q, x, s, p, n, d, o in byteGather(Int8Product.self, q, Positions(x, s, p), n, d, o) },
            list: { q, p, n, d, o in byteGather(Int8Product.self, q, Addresses(p), n, d, o) }))
    set(
        .l1, .int8,
        DistanceKernels(
            pair: { q, x, d in bytePair(Int8AbsoluteDifference.self, q, x, d) },
            rows: { q, x, s, n, d, o in byteRows(Int8AbsoluteDifference.self, q, x, s, n, d, o) },
            gather: { q, x, s, p, n, d, o in byteGather(Int8AbsoluteDifference.self, q, Positions(x, s, p), n, d, o) },
            list: { q, p, n, d, o in byteGather(Int8AbsoluteDifference.self, q, Addresses(p), n, d, o) }))
    set(
        .cosine, .int8,
        DistanceKernels(
            pair: { q, x, d in byteRatioPair(Int8Cosine.self, q, x, d) },
            rows: { q, x, s, n, d, o in byteRatioRows(Int8Cosine.self, q, x, s, n, d, o) },
            gather: { q, x, s, p, n, d, o in byteRatioGather(Int8Cosine.self, q, Positions(x, s, p), n, d, o) },
            list: { q, p, n, d, o in byteRatioGather(Int8Cosine.self, q, Addresses(p), n, d, o) }))
    set(
        .l2Squared, .uint8,
        DistanceKernels(
            pair: { q, x, d in bytePair(UInt8SquaredDifference.self, q, x, d) },
            rows: { q, x, s, n, d, o in byteRows(UInt8SquaredDifference.self, q, x, s, n, d, o) },
            gather: { q, x, s, p, n, d, o in byteGather(UInt8SquaredDifference.self, q, Positions(x, s, p), n, d, o) },
            list: { q, p, n, d, o in byteGather(UInt8SquaredDifference.self, q, Addresses(p), n, d, o) }))
    set(
        .innerProduct, .uint8,
        DistanceKernels(
            pair: { q, x, d in bytePair(UInt8Product.self, q, x, d) },
            rows: { q, x, s, n, d, o in byteRows(UInt8Product.self, q, x, s, n, d, o) },
            gather: { q, x, s, p, n, d, o in byteGather(UInt8Product.self, q, Positions(x, s, p), n, d, o) },
            list: { q, p, n, d, o in byteGather(UInt8Product.self, q, Addresses(p), n, d, o) }))
    set(
        .l1, .uint8,
        DistanceKernels(
            pair: { q, x, d in bytePair(UInt8AbsoluteDifference.self, q, x, d) },
            rows: { q, x, s, n, d, o in byteRows(UInt8AbsoluteDifference.self, q, x, s, n, d, o) },
            gather: { q, x, s, p, n, d, o in byteGather(UInt8AbsoluteDifference.self, q, Positions(x, s, p), n, d, o) },
            list: { q, p, n, d, o in byteGather(UInt8AbsoluteDifference.self, q, Addresses(p), n, d, o) }))
    set(
        .cosine, .uint8,
        DistanceKernels(
            pair: { q, x, d in byteRatioPair(UInt8Cosine.self, q, x, d) },
            rows: { q, x, s, n, d, o in byteRatioRows(UInt8Cosine.self, q, x, s, n, d, o) },
            gather: { q, x, s, p, n, d, o in byteRatioGather(UInt8Cosine.self, q, Positions(x, s, p), n, d, o) },
            list: { q, p, n, d, o in byteRatioGather(UInt8Cosine.self, q, Addresses(p), n, d, o) }))
}

private func setBitKernels(_ set: (Metric, ElementType, DistanceKernels) -> Void) {
    set(
        .hamming, .bits,
        DistanceKernels(
            pair: { q, x, d in bytePair(DifferentBits.self, q, x, (d &+ 7) / 8) },
            rows: { q, x, s, n, d, o in byteRows(DifferentBits.self, q, x, s, n, (d &+ 7) / 8, o) },
            gather: { q, x, s, p, n, d, o in byteGather(DifferentBits.self, q, Positions(x, s, p), n, (d &+ 7) / 8, o) },
            list: { q, p, n, d, o in byteGather(DifferentBits.self, q, Addresses(p), n, (d &+ 7) / 8, o) }))
    set(
        .jaccard, .bits,
        DistanceKernels(
            pair: { q, x, d in byteRatioPair(BitJaccard.self, q, x, (d &+ 7) / 8) },
            rows: { q, x, s, n, d, o in byteRatioRows(BitJaccard.self, q, x, s, n, (d &+ 7) / 8, o) },
            gather: { q, x, s, p, n, d, o in byteRatioGather(BitJaccard.self, q, Positions(x, s, p), n, (d &+ 7) / 8, o) },
            list: { q, p, n, d, o in byteRatioGather(BitJaccard.self, q, Addresses(p), n, (d &+ 7) / 8, o) }))
}

/// The kernels of this build. Call it only where the processor runs the instruction set.
package func makeKernelTable(_ isa: InstructionSet) -> KernelTable {
    var distances = [DistanceKernels?](repeating: nil, count: KernelTable.slotCount)
    setFloatKernels { distances[KernelTable.slot($0, $1)] = $2 }
    setByteKernels { distances[KernelTable.slot($0, $1)] = $2 }
    setBitKernels { distances[KernelTable.slot($0, $1)] = $2 }
    return KernelTable(
        isa: isa,
        distances: distances,
        bfloat16Product: vs_has_bf16_dot() == 0
            ? nil
            : DistanceKernels(
                pair: { q, x, d in bfloat16Pair(q, x, d) },
                rows: { q, x, s, n, d, o in bfloat16Rows(q, x, s, n, d, o) },
                gather: { q, x, s, p, n, d, o in bfloat16Gather(q, Positions(x, s, p), n, d, o) },
                list: { q, p, n, d, o in bfloat16Gather(q, Addresses(p), n, d, o) }),
        squaredNorms: [
            nil,
            { x, s, n, d, o in floatSquaredNorms(Float32Rows.self, x, s, n, d, o) },
            { x, s, n, d, o in floatSquaredNorms(Float16Rows.self, x, s, n, d, o) },
            { x, s, n, d, o in floatSquaredNorms(BFloat16Rows.self, x, s, n, d, o) },
            { x, s, n, d, o in byteSquaredNorms(Int8Squares.self, x, s, n, d, o) },
            { x, s, n, d, o in byteSquaredNorms(UInt8Squares.self, x, s, n, d, o) },
            nil,
        ],
        sumRows: { x, s, p, w, n, d, o in sumRows(x, s, p, w, n, d, o) },
        widenFloat16: { x, y, n in widen(Float16Rows.self, x, y, n) },
        widenBFloat16: { x, y, n in widen(BFloat16Rows.self, x, y, n) },
        narrowFloat16: { x, y, n in narrow(ToFloat16.self, x, y, n) },
        narrowBFloat16: { x, y, n in narrow(ToBFloat16.self, x, y, n) },
        allFinite: [
            nil,
            { x, n in allFinite(Float32Rows.self, x, n) },
            { x, n in allFinite(Float16Rows.self, x, n) },
            { x, n in allFinite(BFloat16Rows.self, x, n) },
            nil, nil, nil,
        ],
        select: { v, n, l, p in selectAtMost(v, n, l, p) },
        selectAffine: { v, a, b, n, l, p in selectAffineAtMost(v, a, b, n, l, p) },
        merge: { e, n, m, b, k, r in mergeSorted(e, n, m, b, k, r) },
        codes: CodeKernels(
            tileIsFast: vs_dot_i8_bias() != 0,
            tileRows: tileRows,
            tileQueries: tileQueries,
            largest: { x, d in largestMagnitude(x, d) },
            encode: { x, m, d, c in encodeRow(x, m, d, c) },
            rows: { q, x, s, n, d, o in codeRows(q, x, s, n, d, o) },
            pack: { c, s, n, v, d, p in packPanel(c, s, n, v, d, p) },
            tile: { q, x, g, e, o, s in tileProducts(q, x, g, e, o, s) },
            select: { i, a, b, c, n, v, w, l, p in selectCodes(i, a, b, c, n, v, w, l, p) }),
        scalarCodes: ScalarCodeKernels(
            encode: { x, a, b, d, c in scalarEncode(x, a, b, d, c) },
            query: { c, a, b, g, d, q in scalarQuery(c, a, b, g, d, q) },
            weigh: { q, w, d in scalarWeigh(q, w, d) },
            list: { q, p, n, d, a, b, o in scalarList(q, p, n, d, a, b, o) },
            packNibbles: { c, d, o in packNibbles(c, d, o) },
            nibbleList: { q, p, n, d, a, b, o in nibbleList(q, p, n, d, a, b, o) }),
        subspaces: SubspaceKernels(
            lanes: Int(VS_LANES),
            nearest: { x, s, n, d, p, h, b, c, l in subspaceNearest(x, s, n, d, p, h, b, c, l) },
            squaredDistances: { x, d, p, b, o in subspaceSquaredDistances(x, d, p, b, o) },
            negatedProducts: { x, d, p, b, o in subspaceNegatedProducts(x, d, p, b, o) },
            sums: { t, s, c, r, n, m, o in tableSums(t, s, c, r, n, m, o) }),
        listCodes: ListCodeKernels(
            sums: { c, s, b, g, t, o in listCodeSums(c, s, b, g, t, o) },
            sums2: { c, s, b, g, t, u, o, p in listCodeSums2(c, s, b, g, t, u, o, p) },
            select: { s, a, f, t, n, m, d, b, l, p, v in listCodeSelect(s, a, f, t, n, m, d, b, l, p, v) }),
        listTables: ListTableKernels(
            signs: { x, d, v in signTables(x, d, v) },
            products: { x, s, p, n, v in productTables(x, s, p, n, v) },
            round: { v, n, b, s in roundTables(v, n, b, s) }),
        grid: GridKernels(
            measure: { r, d, s, m, o in gridMeasure(r, d, s, m, o) },
            round: { r, d, s, m, o in gridRound(r, d, s, m, o) }),
        rotation: RotationKernels(
            apply: { x, d, s, n in rotate(x, d, s, n) },
            applyInverse: { x, d, s, n in rotateBack(x, d, s, n) }),
        load: { x, n in loadAll(x, n) })
}
