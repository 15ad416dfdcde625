// SPDX-License-Identifier: Apache-2.0

extension JSONDocument {
    /// The text of an object with the members of another over its own.
    package func merging(_ other: JSONDocument) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        for (key, value) in root.members {
            let winner = other.root.member(key) ?? value
            writer.key(String(decoding: key, as: UTF8.self))
            winner.write(to: &writer)
        }
        for (key, value) in other.root.members where root.member(key) == nil {
            writer.key(String(decoding: key, as: UTF8.self))
            value.write(to: &writer)
        }
        writer.endObject()
        return writer.bytes
    }

    /// The text of an object without some members.
    func deleting(_ keys: [String]) -> [UInt8] {
        let gone = Set(keys.map { Array($0.utf8) })
        var writer = JSONWriter()
        writer.beginObject()
        for (key, value) in root.members where !gone.contains(Array(key)) {
            writer.key(String(decoding: key, as: UTF8.self))
            value.write(to: &writer)
        }
        writer.endObject()
        return writer.bytes
    }
}

extension JSONValue {
    /// Writes it as JSON text. Documents are no deeper than their rules allow, so this is not either.
    package func write(to writer: inout JSONWriter) {
        switch kind {
        case .null: writer.null()
        case .bool: writer.bool(bool ?? false)
        case .integer: writer.integer(integer ?? 0)
        case .unsigned: writer.integer(unsigned ?? 0)
        case .real: writer.real(real ?? 0)
        case .string: writer.string(string ?? "")
        case .array:
            writer.beginArray()
            for element in elements { element.write(to: &writer) }
            writer.endArray()
        case .object:
            writer.beginObject()
            for (key, value) in members {
                writer.key(String(decoding: key, as: UTF8.self))
                value.write(to: &writer)
            }
            writer.endObject()
        }
    }
}
