// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// How the lists of an inverted file keep rows. The raw values are those of the C header and of files: never renumber them.
package enum ListStorage: UInt32, CaseIterable, Sendable {
    /// As they were added.
    case auto = 0
    case float32 = 1
    case float16 = 2
    case bfloat16 = 3
    /// Codes of what rows differ by from the center of their list: scalar, of 8 or 4 bits for each element,
    case int8 = 4
    case int4 = 5
    /// product codes,
    case pq = 6
    /// and binary ones.
    case binary = 7

    package var name: String {
        switch self {
        case .auto: "auto"
        case .float32: "float32"
        case .float16: "float16"
        case .bfloat16: "bfloat16"
        case .int8: "int8"
        case .int4: "int4"
        case .pq: "pq"
        case .binary: "binary"
        }
    }

    var elementType: ElementType? {
        switch self {
        case .float32: .float32
        case .float16: .float16
        case .bfloat16: .bfloat16
        case .auto, .int8, .int4, .pq, .binary: nil
        }
    }

    /// Whether lists hold codes, which distances are estimated from.
    package var isCoded: Bool { rawValue >= ListStorage.int8.rawValue }

    /// The names of those that hold codes.
    static var codedNames: String { allCases.filter(\.isCoded).map(\.name).joined(separator: ", ") }
}
