// SPDX-License-Identifier: Apache-2.0

/// What kind of codes a quantizer makes.
package enum QuantizerDesign: Sendable {
    /// A number of 8 or 4 bits for each element.
    case scalar(ScalarDesign)
    /// The number of a centroid for each of some parts.
    case product(ProductDesign)
    /// A number of one or a few bits for each element of the rotated vector, with factors that estimate products.
    case binary(BinaryDesign)

    package struct ScalarDesign: Sendable {
        /// 8 or 4.
        package var bits: Int
        /// Whether all elements share one range; else each has its own.
        package var isUniform: Bool
        /// The share of values that may lie beyond each end of a range; 0: from the least to the largest.
        package var quantile: Float

        package init(bits: Int = 8, isUniform: Bool = false, quantile: Float = 0) {
            self.bits = bits
            self.isUniform = isUniform
            self.quantile = quantile
        }
    }

    package struct ProductDesign: Sendable {
        /// Parts.
        package var m: Int
        /// 4 to 8, 10 or 12.
        package var bits: Int
        /// Whether vectors are rotated first, so that codes lose least (OPQ).
        package var isRotated: Bool
        package var seed: UInt64

        package init(m: Int, bits: Int = 8, isRotated: Bool = false, seed: UInt64 = 0) {
            self.m = m
            self.bits = bits
            self.isRotated = isRotated
            self.seed = seed
        }
    }

    package struct BinaryDesign: Sendable {
        /// 1 to 8.
        package var bits: Int
        package var seed: UInt64

        package init(bits: Int = 1, seed: UInt64 = 0) {
            self.bits = bits
            self.seed = seed
        }
    }

    package var name: String {
        switch self {
        case .scalar: "scalar"
        case .product: "product"
        case .binary: "binary"
        }
    }

    /// Refuses what makes no sense.
    func check(dimension: Int) throws(VecStoreError) {
        switch self {
        case .scalar(let design):
            guard design.bits == 8 || design.bits == 4 else {
                throw VecStoreError(.invalidArgument, "bits is \(design.bits): allowed are 8 and 4")
            }
            guard design.quantile >= 0 && design.quantile < 0.5 else {
                throw VecStoreError(.invalidArgument, "quantile is \(design.quantile): allowed is 0 to below 0.5")
            }
        case .product(let design):
            guard design.m >= 1 && design.m <= dimension else {
                throw VecStoreError(.invalidArgument, "pq_m is \(design.m): allowed is 1 to dim, which is \(dimension)")
            }
            guard ProductQuantizer.allowedBits.contains(design.bits) else {
                let allowed = ProductQuantizer.allowedBits.map { "\($0)" }.joined(separator: ", ")
                throw VecStoreError(.invalidArgument, "nbits is \(design.bits): allowed are \(allowed)")
            }
            guard !design.isRotated || dimension <= Rotation.mostDimensions else {
                throw VecStoreError(
                    .unsupported,
                    "a rotation of \(dimension) elements is not offered: allowed is up to \(Rotation.mostDimensions)")
            }
        case .binary(let design):
            guard design.bits >= 1 && design.bits <= 8 else {
                throw VecStoreError(.invalidArgument, "bits is \(design.bits): allowed is 1 to 8")
            }
        }
    }

    /// Bytes of one code.
    func codeSize(dimension: Int) -> Int {
        switch self {
        case .scalar(let design): CodePacking.size(count: dimension, bits: design.bits)
        case .product(let design): CodePacking.size(count: design.m, bits: design.bits)
        case .binary(let design):
            CodePacking.size(count: dimension, bits: design.bits) + BinaryQuantizer.factorsSize
        }
    }
}
