// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// A point as a line of a file has it: a JSON object with "id", "vector", "payload" and "expires".
///
/// The payload is taken as it stands in the line, byte for byte. One that has line ends between its values cannot stand there; it
/// comes as the text of a string, "payload_text".
struct PointLine {
    private(set) var id: PointID?
    /// Where the vectors stand in the line; nil: nowhere, or null.
    private(set) var vector: Range<Int>?
    /// JSON, which nobody has looked at; empty where there is none.
    private(set) var payload: [UInt8] = []
    /// Microseconds since 1970; 0: never.
    private(set) var expires: Int64 = 0

    private static let keys = ["id", "vector", "payload", "payload_text", "expires"]

    init(_ bytes: UnsafeBufferPointer<UInt8>) throws(VecStoreError) {
        var cursor = JSONCursor(bytes)
        try cursor.require("{")
        var seen = 0
        if !cursor.take("}") {
            repeat {
                let key = try cursor.string()
                try cursor.require(":")
                let value = try cursor.value()
                let name = cursor.slice(key.lowerBound + 1..<key.upperBound - 1)
                guard let place = PointLine.keys.firstIndex(where: { $0.utf8.elementsEqual(name) }) else {
                    let text = String(decoding: name.prefix(100), as: UTF8.self)
                    throw VecStoreError(
                        .invalidArgument, "the key \"\(text)\" is not expected: allowed are \(PointLine.keys.joined(separator: ", "))")
                }
                guard seen & (1 << place) == 0 else {
                    throw VecStoreError(.invalidArgument, "the key \"\(PointLine.keys[place])\" comes twice")
                }
                seen |= 1 << place
                try take(place, cursor.slice(value), value)
            } while cursor.take(",")
            try cursor.require("}")
        }
        guard cursor.peek() == nil else { throw cursor.failure("there is more behind the object") }
    }

    private mutating func take(
        _ key: Int, _ value: UnsafeBufferPointer<UInt8>, _ range: Range<Int>
    ) throws(VecStoreError) {
        let isNull = value.elementsEqual("null".utf8)
        switch PointLine.keys[key] {
        case "id": id = try PointLine.id(value)
        case "vector": if !isNull { vector = range }
        case "payload": if !isNull { try setPayload(Array(value)) }
        case "payload_text":
            let rules = JSONRules(noun: "payload_text", bytes: 6 * CollectionLimits.payloadBytes + 2, depth: 1)
            let document = try JSONDocument(value, rules)
            let text = withExtendedLifetime(document) { document.root.bytes.map { Array($0) } }
            guard let text else { throw VecStoreError(.invalidArgument, "payload_text is no string") }
            try setPayload(text)
        default: if !isNull { expires = try PointLine.time(value) }
        }
    }

    private mutating func setPayload(_ bytes: [UInt8]) throws(VecStoreError) {
        guard payload.isEmpty else { throw VecStoreError(.invalidArgument, "payload and payload_text are both there") }
        payload = bytes
    }

    private static func id(_ text: UnsafeBufferPointer<UInt8>) throws(VecStoreError) -> PointID {
        // 4 times the longest string, every byte of it escaped.
        let document = try JSONDocument(text, JSONRules(noun: "id", bytes: 1 << 12, depth: 1, takesUnsigned: true))
        defer { withExtendedLifetime(document) {} }
        let value = document.root
        if let number = value.unsigned { return .number(number) }
        if let string = value.string { return .text(string) }
        let what = value.kind == .integer ? "negative" : value.kind.name
        throw VecStoreError(.invalidArgument, "id is \(what): allowed are 0 to \(PointID.largest), and strings")
    }

    /// A time as a number of microseconds, or as RFC 3339 has it.
    private static func time(_ text: UnsafeBufferPointer<UInt8>) throws(VecStoreError) -> Int64 {
        let document = try JSONDocument(text, JSONRules(noun: "expires", bytes: 1 << 10, depth: 1))
        defer { withExtendedLifetime(document) {} }
        let value = document.root
        if let number = value.integer { return number }
        if let time = value.bytes.flatMap({ DateTime.microseconds($0) }) {
            // 0 would be never.
            return time == 0 ? 1 : time
        }
        throw VecStoreError(.invalidArgument, "expires is neither microseconds since 1970 nor a time of RFC 3339")
    }

    // MARK: - Vectors

    /// The vectors of a value: an array of numbers, of the only vector, or an object with such arrays by name.
    /// - Parameter found: Is told the place of a vector and its elements.
    static func vectors(
        _ line: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ settings: [VectorSettings],
        _ found: (Int, [Float]) throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        var cursor = JSONCursor(line, at: range.lowerBound)
        if cursor.peek() == UInt8(ascii: "[") {
            guard settings.count == 1 else {
                let names = settings.map { "\"\($0.name)\"" }.joined(separator: ", ")
                throw VecStoreError(.invalidArgument, "vector is an array, where points have several by name: \(names)")
            }
            return try found(0, elements(&cursor, settings[0]))
        }
        guard cursor.take("{") else {
            throw VecStoreError(.invalidArgument, "vector is neither an array of numbers nor an object with such arrays by name")
        }
        if cursor.take("}") { return }
        var seen: UInt64 = 0
        repeat {
            let key = try cursor.string()
            let rules = JSONRules(noun: "the name of a vector", bytes: 6 * CollectionLimits.nameBytes + 2, depth: 1)
            let document = try JSONDocument(cursor.slice(key), rules)
            let name = withExtendedLifetime(document) { document.root.string ?? "" }
            guard let place = settings.firstIndex(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
                let names = settings.map { "\"\($0.name)\"" }.joined(separator: ", ")
                throw VecStoreError(.invalidArgument, "there is no vector \"\(name)\": the collection has \(names)")
            }
            guard seen & (1 << UInt64(place)) == 0 else {
                throw VecStoreError(.invalidArgument, "the vector \"\(name)\" comes twice")
            }
            seen |= 1 << UInt64(place)
            try cursor.require(":")
            if cursor.peek() == UInt8(ascii: "n") {
                let value = try cursor.value()
                guard cursor.slice(value).elementsEqual("null".utf8) else { throw cursor.failure("an array is expected") }
            } else {
                try found(place, elements(&cursor, settings[place]))
            }
        } while cursor.take(",")
        try cursor.require("}")
    }

    private static func elements(
        _ cursor: inout JSONCursor, _ settings: VectorSettings
    ) throws(VecStoreError) -> [Float] {
        let name = settings.name.isEmpty ? "vector" : "the vector \"\(settings.name)\""
        var elements: [Float] = []
        elements.reserveCapacity(settings.dimension)
        guard cursor.take("[") else { throw cursor.failure("\(name) is no array of numbers") }
        if !cursor.take("]") {
            repeat {
                guard elements.count < settings.dimension else {
                    throw VecStoreError(.invalidArgument, "\(name) has more than \(settings.dimension) elements, its dim")
                }
                elements.append(try cursor.float())
            } while cursor.take(",")
            try cursor.require("]")
        }
        guard elements.count == settings.dimension else {
            throw VecStoreError(.invalidArgument, "\(name) has \(elements.count) elements: its dim is \(settings.dimension)")
        }
        return elements
    }
}
