// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

/// How far apart two vectors are. Smaller is closer for every metric.
public enum Metric: Sendable, CaseIterable {
    /// Σ (a − b)², not its root.
    case l2Squared
    /// −Σ a·b
    case innerProduct
    /// 1 − Σ a·b / (‖a‖·‖b‖), from 0 to 2.
    case cosine
    /// Σ |a − b|
    case l1
    /// Bits that differ; for `.bits`.
    case hamming
    /// 1 − bits in both / bits in either; for `.bits`.
    case jaccard
}

/// How an index stores the elements of its vectors.
public enum ElementType: Sendable, CaseIterable {
    case float32
    case float16
    case bfloat16
    case int8
    case uint8
    /// Eight to a byte, the lowest bit first; vectors are given as `[UInt8]`.
    case bits
}

/// A type that vectors may be given in.
///
/// `Float` and `Float16` go with every index of floats, and are converted; `Int8` and `UInt8` with an index of the same
/// type; `UInt8` also with an index of bits.
public protocol VectorElement: BitwiseCopyable, Sendable {
    /// The element type that the library takes this one for in an index of `stored`.
    static func inputType(for stored: ElementType) -> ElementType
}

extension Float: VectorElement {
    public static func inputType(for _: ElementType) -> ElementType { .float32 }
}

#if !((os(macOS) || targetEnvironment(macCatalyst)) && arch(x86_64))
extension Float16: VectorElement {
    public static func inputType(for _: ElementType) -> ElementType { .float16 }
}
#endif

extension Int8: VectorElement {
    public static func inputType(for _: ElementType) -> ElementType { .int8 }
}

extension UInt8: VectorElement {
    public static func inputType(for stored: ElementType) -> ElementType { stored == .bits ? .bits : .uint8 }
}

/// One result of a search.
public struct Hit: Sendable, Hashable {
    public let id: UInt64
    /// In the units of the metric; smaller is closer.
    public let distance: Float

    public init(id: UInt64, distance: Float) {
        self.id = id
        self.distance = distance
    }
}

/// Which rows may be results of a search.
public enum Filter: Sendable {
    /// The rows with these ids.
    case ids([UInt64])
    /// All rows but those with these ids.
    case excluding([UInt64])
    /// The rows whose ids are told true: called once for each row, on the calling thread, before the search begins.
    case matching(@Sendable (UInt64) -> Bool)
}

extension Metric {
    var internalValue: VecKernelTypes.Metric {
        switch self {
        case .l2Squared: .l2Squared
        case .innerProduct: .innerProduct
        case .cosine: .cosine
        case .l1: .l1
        case .hamming: .hamming
        case .jaccard: .jaccard
        }
    }

    init(_ value: VecKernelTypes.Metric) {
        switch value {
        case .l2Squared: self = .l2Squared
        case .innerProduct: self = .innerProduct
        case .cosine: self = .cosine
        case .l1: self = .l1
        case .hamming: self = .hamming
        case .jaccard: self = .jaccard
        }
    }
}

extension ElementType {
    var internalValue: VecKernelTypes.ElementType {
        switch self {
        case .float32: .float32
        case .float16: .float16
        case .bfloat16: .bfloat16
        case .int8: .int8
        case .uint8: .uint8
        case .bits: .bits
        }
    }

    init(_ value: VecKernelTypes.ElementType) {
        switch value {
        case .float32: self = .float32
        case .float16: self = .float16
        case .bfloat16: self = .bfloat16
        case .int8: self = .int8
        case .uint8: self = .uint8
        case .bits: self = .bits
        }
    }
}
