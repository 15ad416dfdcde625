// SPDX-License-Identifier: Apache-2.0

/// The type of the elements of a vector. The raw values are those of the C header and of files: never renumber them.
package enum ElementType: UInt32, CaseIterable, Sendable {
    case float32 = 1
    case float16 = 2
    case bfloat16 = 3
    case int8 = 4
    case uint8 = 5
    /// Element i is bit i % 8 (the lowest first) of byte i / 8.
    case bits = 6

    package var name: String {
        switch self {
        case .float32: "float32"
        case .float16: "float16"
        case .bfloat16: "bfloat16"
        case .int8: "int8"
        case .uint8: "uint8"
        case .bits: "bits"
        }
    }

    /// Whether elements are floating point; kernels for these take a float32 query.
    package var isFloat: Bool {
        switch self {
        case .float32, .float16, .bfloat16: true
        case .int8, .uint8, .bits: false
        }
    }

    /// Bytes of one vector of `dimension` elements.
    package func rowSize(_ dimension: Int) -> Int {
        switch self {
        case .float32: 4 * dimension
        case .float16, .bfloat16: 2 * dimension
        case .int8, .uint8: dimension
        case .bits: (dimension + 7) / 8
        }
    }

    /// The type of the query that kernels for rows of this type take.
    package var queryType: ElementType { isFloat ? .float32 : self }
}
