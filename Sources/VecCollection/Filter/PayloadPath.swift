// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Where values are in a payload, as filters write it: `a`, `a.b`, `a[].b` for all elements of an array, `a[0]` for one,
/// `"a.b".c` for a key with signs that mean something else.
package struct PayloadPath: Hashable, Sendable {
    package enum Step: Hashable, Sendable {
        /// A member of an object. The first step is one. Bytes, because keys are compared by bytes.
        case key([UInt8])
        /// An element of an array.
        case element(Int)
        /// All elements of an array.
        case elements
    }

    package let steps: [Step]

    private init(steps: [Step]) { self.steps = steps }

    /// - Parameter name: What messages call the text: the parameter that it came in.
    package init(_ text: String, name: String = "the key") throws(VecStoreError) {
        guard text.utf8.count <= CollectionLimits.nameBytes else {
            throw VecStoreError(
                .invalidArgument, "\(name) has \(text.utf8.count) bytes, where at most \(CollectionLimits.nameBytes) are allowed")
        }
        var parser = PayloadPathParser(text, name: name)
        steps = try parser.steps()
    }

    /// The path of the elements of what is here: of each object that a nested filter looks at.
    package var ofElements: PayloadPath { steps.last == .elements ? self : PayloadPath(steps: steps + [.elements]) }

    /// The path of what `other` finds in what this one finds.
    package func appending(_ other: PayloadPath) -> PayloadPath { PayloadPath(steps: steps + other.steps) }

    // MARK: - Values

    /// Calls `body` with each value that is here, until it says that it has seen enough. An array is one value: what goes
    /// by its elements looks at them itself.
    package func forEachValue<E: Error>(
        in payload: JSONValue, _ body: (JSONValue) throws(E) -> Bool
    ) throws(E) {
        _ = try visit(payload, steps[...], body)
    }

    private func visit<E: Error>(
        _ value: JSONValue, _ rest: ArraySlice<Step>, _ body: (JSONValue) throws(E) -> Bool
    ) throws(E) -> Bool {
        guard let step = rest.first else { return try body(value) }
        switch step {
        case .key(let key):
            guard let member = value.member(key) else { return false }
            return try visit(member, rest.dropFirst(), body)
        case .element(let place):
            guard value.kind == .array, let element = value[place] else { return false }
            return try visit(element, rest.dropFirst(), body)
        case .elements:
            for element in value.elements where try visit(element, rest.dropFirst(), body) { return true }
            return false
        }
    }
}

extension PayloadPath: CustomStringConvertible {
    /// The path as it is written: the same text for the same path, which `init` reads again.
    package var description: String {
        var text = ""
        for step in steps {
            switch step {
            case .key(let key):
                if !text.isEmpty { text += "." }
                let isPlain = !key.isEmpty && key.allSatisfy(PayloadPathParser.isPlain)
                text += isPlain ? String(decoding: key, as: UTF8.self) : quoted(key)
            case .element(let place): text += "[\(place)]"
            case .elements: text += "[]"
            }
        }
        return text
    }

    private func quoted(_ key: [UInt8]) -> String {
        var bytes = [UInt8(ascii: "\"")]
        for byte in key {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "\""))
        return String(decoding: bytes, as: UTF8.self)
    }
}
