// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// A value in the JSON of a filter, and where it is: so that errors say it.
struct FilterNode {
    let value: JSONValue
    private let place: Place

    /// The path from the filter to a value, written out only for an error.
    private indirect enum Place {
        case root
        case member(Place, String)
        case element(Place, Int)

        var text: String {
            switch self {
            case .root: ""
            case .member(.root, let key): key
            case .member(let parent, let key): "\(parent.text).\(key)"
            case .element(let parent, let index): "\(parent.text)[\(index)]"
            }
        }
    }

    init(root: JSONValue) {
        value = root
        place = .root
    }

    private init(_ value: JSONValue, _ place: Place) {
        self.value = value
        self.place = place
    }

    // MARK: - Errors

    func error(_ reason: String) -> VecStoreError {
        let text = place.text
        return VecStoreError(.invalidArgument, text.isEmpty ? "filter: \(reason)" : "filter at \(text): \(reason)")
    }

    func expected(_ what: String) -> VecStoreError { error("expected \(what), found \(value.kind.name)") }

    // MARK: - Values

    func string() throws(VecStoreError) -> String {
        guard let string = value.string else { throw expected("a string") }
        return string
    }

    /// A string with 1 to `most` bytes.
    func name(_ most: Int) throws(VecStoreError) -> String {
        let name = try string()
        guard (1...most).contains(name.utf8.count) else {
            throw error("a string of \(name.utf8.count) bytes, where 1 to \(most) are allowed")
        }
        return name
    }

    func path() throws(VecStoreError) -> PayloadPath {
        let text = try string()
        do throws(VecStoreError) {
            return try PayloadPath(text)
        } catch {
            throw self.error(error.message)
        }
    }

    func real() throws(VecStoreError) -> Double {
        guard let number = value.number else { throw expected("a number") }
        return number.rounded
    }

    // MARK: - Elements and members

    func elements() throws(VecStoreError) -> [FilterNode] {
        guard value.kind == .array else { throw expected("an array") }
        return value.elements.enumerated().map { FilterNode($1, .element(place, $0)) }
    }

    /// Checks that it is an object, and that it has no keys but these.
    func checkKeys(_ keys: [String], of what: String) throws(VecStoreError) {
        guard value.kind == .object else { throw expected("\(what), which is an object") }
        for (key, _) in value.members where !keys.contains(where: { $0.utf8.elementsEqual(key) }) {
            let name = String(decoding: key.prefix(64), as: UTF8.self)
            throw error("unknown key '\(name)': \(what) has \(keys.joined(separator: ", "))")
        }
    }

    /// A member. Null counts as missing, because programs write it for what they leave out.
    subscript(key: String) -> FilterNode? {
        guard let member = value.member(key.utf8), member.kind != .null else { return nil }
        return FilterNode(member, .member(place, key))
    }

    func member(_ key: String) throws(VecStoreError) -> FilterNode {
        guard let member = self[key] else { throw error("'\(key)' is missing") }
        return member
    }
}
