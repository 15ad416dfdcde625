// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials
import VecCollection

/// What a point of a collection is known by: a number, 0 to 2^64 − 2, or a text of 1 to 255 bytes, such as a UUID.
///
///     let ids: [PointID] = [1, 2, "a", PointID(UUID())]
///
/// The number 7 and the text "7" are two ids. Texts are compared by their bytes.
public struct PointID: Hashable, Sendable {
    let core: VecCollection.PointID

    init(_ core: VecCollection.PointID) { self.core = core }

    /// An id that is a number. 2^64 − 1 is refused where a point is written.
    public init(_ number: UInt64) { core = .number(number) }

    /// An id that is a text. One that is empty, longer than 255 bytes, or holds U+0000 is refused where a point is written.
    public init(_ text: String) { core = .text(text) }

    /// The text of a UUID in lower case, as RFC 9562 writes it.
    public init(_ uuid: UUID) { core = .text(uuid.uuidString.lowercased()) }

    /// nil where it is a text.
    public var number: UInt64? {
        guard case .number(let number) = core else { return nil }
        return number
    }

    /// nil where it is a number.
    public var text: String? {
        guard case .text(let text) = core else { return nil }
        return text
    }
}

extension PointID: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    public init(integerLiteral number: UInt64) { self.init(number) }
    public init(stringLiteral text: String) { self.init(text) }
}

extension PointID: CustomStringConvertible {
    public var description: String { text ?? number.map { "\($0)" } ?? "" }
}
