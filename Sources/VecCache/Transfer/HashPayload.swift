// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// Makes payloads of the fields of hashes.
struct HashPayload {
    private let values: FieldValues
    private let jsonField: [UInt8]?
    /// Those of vectors.
    private let others: Set<[UInt8]>
    /// nil: all but the others.
    private let chosen: Set<[UInt8]>?

    init(_ options: RedisImportOptions, _ columns: [HashLayout.Column]) {
        values = options.values
        jsonField = options.layout.jsonField.map { Array($0.utf8) }
        others = Set(columns.map(\.field))
        chosen = options.payloadFields.map { Set($0.map { Array($0.utf8) }) }
    }

    /// - Returns: A JSON object; empty where there is nothing that it would have.
    func make(_ fields: [(name: [UInt8], value: [UInt8])]) throws(VecStoreError) -> [UInt8] {
        var writer = JSONWriter(), count = 0
        var object: [UInt8]?
        writer.beginObject()
        for (name, value) in fields where !others.contains(name) {
            if name == jsonField {
                object = value
                continue
            }
            if let chosen, !chosen.contains(name) { continue }
            guard let key = String(validating: name, as: UTF8.self) else {
                throw VecStoreError(.invalidArgument, "the name of the field \(shown(name)) is not UTF-8")
            }
            guard let text = String(validating: value, as: UTF8.self) else {
                throw VecStoreError(
                    .invalidArgument, "the field '\(key)' is not UTF-8: say which fields the payload is to have, where it is not one of them")
            }
            writer.key(key)
            if isJSON(value) { writer.raw(value) } else { writer.string(text) }
            count += 1
        }
        writer.endObject()
        guard let object else { return count == 0 ? [] : writer.bytes }
        return try merge(object, count == 0 ? nil : writer.bytes)
    }

    /// The members of the object of a field, with those of other fields over them.
    private func merge(_ object: [UInt8], _ own: [UInt8]?) throws(VecStoreError) -> [UInt8] {
        do throws(VecStoreError) {
            let document = try object.withUnsafeBufferPointer { text throws(VecStoreError) in try checkPayload(text) }
            guard let own else { return object }
            return document.merging(try own.withUnsafeBufferPointer { text throws(VecStoreError) in try checkPayload(text) })
        } catch {
            throw VecStoreError(error.code, "the field \(shown(jsonField ?? [])): \(error.message)")
        }
    }

    // MARK: - Values

    private func isJSON(_ value: [UInt8]) -> Bool {
        switch values {
        case .text: return false
        case .numbers: return HashPayload.isNumber(value)
        case .json: break
        }
        switch value.first {
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"):
            // It comes to lie in an object.
            let rules = JSONRules(noun: "value", bytes: CollectionLimits.payloadBytes, depth: CollectionLimits.payloadDepth - 1)
            return (try? value.withUnsafeBufferPointer { text throws(VecStoreError) in try JSONDocument(text, rules) }) != nil
        default: return HashPayload.isNumber(value)
        }
    }

    /// Whether some text is a number in JSON, and one that a payload can have.
    static func isNumber(_ text: [UInt8]) -> Bool {
        var rest = text[...], isReal = false
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        /// Passes over digits; tells how many there were.
        func digits() -> Int {
            let count = rest.prefix(while: isDigit).count
            rest = rest.dropFirst(count)
            return count
        }
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let first = rest.first, whole = digits()
        guard whole > 0, first != UInt8(ascii: "0") || whole == 1 else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            isReal = true
            guard digits() > 0 else { return false }
        }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            isReal = true
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
            guard digits() > 0 else { return false }
        }
        guard rest.isEmpty else { return false }
        let number = String(decoding: text, as: UTF8.self)
        return isReal ? Double(number)?.isFinite ?? false : Int64(number) != nil
    }
}
