// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Whether points match a filter, decided from their payloads alone: slow and obvious. Faster ways have to agree with it.
package struct FilterEvaluator {
    private let filter: Filter
    private let tokenizer: (PayloadPath) -> Tokenizer

    /// `tokenizer` makes the words of what is at a path, where a condition asks for words.
    package init(_ filter: Filter, tokenizer: @escaping (PayloadPath) -> Tokenizer) {
        self.filter = filter
        self.tokenizer = tokenizer
    }

    /// A point: its payload, where it has one, and the names of the vectors that it has.
    package struct Point {
        package let id: PointID
        package let payload: JSONValue?
        package let vectors: [String]

        package init(id: PointID, payload: JSONValue?, vectors: [String]) {
            self.id = id
            self.payload = payload
            self.vectors = vectors
        }
    }

    package func matches(_ point: Point) throws(VecStoreError) -> Bool {
        try matches(filter, Subject(point: point, payload: point.payload, path: nil))
    }

    /// What a filter looks at: a point, or an element in its payload that a nested filter has come to.
    private struct Subject {
        let point: Point
        let payload: JSONValue?
        /// Where the element is.
        let path: PayloadPath?

        func path(of path: PayloadPath) -> PayloadPath { self.path?.appending(path) ?? path }
    }

    private func matches(_ filter: Filter, _ subject: Subject) throws(VecStoreError) -> Bool {
        for condition in filter.must where try !holds(condition, subject) { return false }
        for condition in filter.mustNot where try holds(condition, subject) { return false }
        if !filter.should.isEmpty, try !holds(atLeast: 1, of: filter.should, subject) { return false }
        if let least = filter.minShould, try !holds(atLeast: least.count, of: least.conditions, subject) { return false }
        return true
    }

    private func holds(atLeast least: Int, of conditions: [FilterCondition], _ subject: Subject) throws(VecStoreError) -> Bool {
        var count = 0
        for condition in conditions where try holds(condition, subject) {
            count += 1
            if count == least { return true }
        }
        return count >= least
    }

    private func holds(_ condition: FilterCondition, _ subject: Subject) throws(VecStoreError) -> Bool {
        switch condition {
        case .field(let path, let test):
            return try test.holds(path, subject.payload) { tokenizer(subject.path(of: path)) }
        case .hasID(let ids): return ids.contains(subject.point.id)
        case .hasVector(let name): return subject.point.vectors.contains { $0.utf8.elementsEqual(name.utf8) }
        case .filter(let filter): return try matches(filter, subject)
        case .nested(let path, let filter):
            guard let payload = subject.payload else { return false }
            let path = path.ofElements
            var isFound = false
            try path.forEachValue(in: payload) { (element) throws(VecStoreError) in
                guard element.kind == .object else { return false }
                isFound = try matches(filter, Subject(point: subject.point, payload: element, path: subject.path(of: path)))
                return isFound
            }
            return isFound
        }
    }
}
