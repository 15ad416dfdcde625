// SPDX-License-Identifier: Apache-2.0

/// What some JSON may be, and what errors call it.
package struct JSONRules: Sendable {
    package let noun: String
    /// Most bytes of text.
    package let bytes: Int
    /// Most arrays and objects within each other.
    package let depth: Int
    /// Whether integers from 2^63 to 2^64 − 1 are taken, as `JSONValue.Kind.unsigned`.
    package let takesUnsigned: Bool

    package init(noun: String, bytes: Int, depth: Int, takesUnsigned: Bool = false) {
        self.noun = noun
        self.bytes = bytes
        self.depth = depth
        self.takesUnsigned = takesUnsigned
    }

    package static let payload = JSONRules(
        noun: "payload", bytes: CollectionLimits.payloadBytes, depth: CollectionLimits.payloadDepth)
    /// Filters name ids, which use all 64 bits.
    package static let filter = JSONRules(
        noun: "filter", bytes: CollectionLimits.filterBytes, depth: CollectionLimits.filterDepth, takesUnsigned: true)
}
