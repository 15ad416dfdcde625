// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import VecCollection

/// What a point carries besides vectors: a JSON object of up to 16 MiB and 64 levels, kept as it was written.
///
///     struct Package: Codable { var section: String, size: Int }
///     let payload = try Payload(Package(section: "net", size: 120))
///     let package = try payload.decoded(as: Package.self)
///
/// Text that is no JSON object is refused where it is written to a collection.
public struct Payload: Hashable, Sendable {
    /// The JSON text, UTF-8.
    public let bytes: [UInt8]

    /// JSON text.
    public init(json: String) { bytes = Array(json.utf8) }

    /// JSON text, UTF-8: `Data`, `[UInt8]`, …
    public init(json: some Sequence<UInt8>) { bytes = Array(json) }

    /// A value as JSON, its keys in order. A `Date` becomes a time as filters and indexes of type `.datetime` know it, to the
    /// microsecond.
    /// - Throws: `.invalidArgument` where the value cannot be written as JSON: it says so itself, or holds NaN or infinity.
    public init(_ value: some Encodable) throws(VecStoreError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(date.filterText)
        }
        do {
            bytes = Array(try encoder.encode(value))
        } catch {
            throw VecStoreError(CoreError(.invalidArgument, "a \(type(of: value)) cannot be written as JSON: \(error)"))
        }
    }

    /// The JSON text.
    public var json: String { String(decoding: bytes, as: UTF8.self) }

    /// The value that it is the JSON of. A `Date` is read from a time as RFC 3339 writes it, or from a date.
    /// - Throws: `.invalidArgument` where it does not fit the type; the message says where.
    public func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws(VecStoreError) -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            let text = try container.decode(String.self)
            guard let date = Date(filterText: text) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no time")
            }
            return date
        }
        do {
            return try decoder.decode(type, from: Data(bytes))
        } catch {
            throw VecStoreError(CoreError(.invalidArgument, "the payload does not fit \(type): \(error)"))
        }
    }
}

extension Payload: CustomStringConvertible {
    public var description: String { json }
}

extension Payload {
    /// nil where the point has none.
    init?(_ stored: [UInt8]?) {
        guard let stored, !stored.isEmpty else { return nil }
        bytes = stored
    }
}
