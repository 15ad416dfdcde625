// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// How the lists of an inverted file keep rows. The raw values are those of the C header and of files: never renumber them.
package enum ListStorage: UInt32, CaseIterable, Sendable {
    /// As they were added.
    case auto = 0
    case float32 = 1
    case float16 = 2
    case bfloat16 = 3
    /// Product codes of what rows differ by from the center of their list.
    case pq = 6
    /// Binary codes of the same.
    case binary = 7

    package var name: String {
        switch self {
        case .auto: "auto"
        case .float32: "float32"
        case .float16: "float16"
        case .bfloat16: "bfloat16"
        case .pq: "pq"
        case .binary: "binary"
        }
    }

    var elementType: ElementType? {
        switch self {
        case .float32: .float32
        case .float16: .float16
        case .bfloat16: .bfloat16
        case .auto, .pq, .binary: nil
        }
    }

    /// Whether lists hold codes, which distances are estimated from.
    package var isCoded: Bool { self == .pq || self == .binary }
}
