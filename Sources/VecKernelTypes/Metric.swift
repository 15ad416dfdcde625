// SPDX-License-Identifier: Apache-2.0

/// How far apart two vectors are. Smaller is closer for every metric. The raw values are those of the C header and of
/// files: never renumber them.
package enum Metric: UInt32, CaseIterable, Sendable {
    /// Σ (a − b)²
    case l2Squared = 1
    /// −Σ a·b
    case innerProduct = 2
    /// 1 − Σ a·b / (‖a‖·‖b‖)
    case cosine = 3
    /// Σ |a − b|
    case l1 = 4
    /// Bits that differ.
    case hamming = 5
    /// 1 − bits in both / bits in either; 0 where neither has a bit.
    case jaccard = 6

    package var name: String {
        switch self {
        case .l2Squared: "l2sq"
        case .innerProduct: "ip"
        case .cosine: "cosine"
        case .l1: "l1"
        case .hamming: "hamming"
        case .jaccard: "jaccard"
        }
    }

    /// Whether distances by this metric exist for rows of this type.
    package func supports(_ type: ElementType) -> Bool {
        switch self {
        case .l2Squared, .innerProduct, .cosine, .l1: type != .bits
        case .hamming, .jaccard: type == .bits
        }
    }
}
