// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Answers conditions from what is in memory of a field.
struct FieldQuery {
    private let loaded: LoadedField

    init(_ loaded: LoadedField) { self.loaded = loaded }

    /// Whether rows with values that the index does not have may pass.
    static func needsOthers(_ test: FieldTest) -> Bool {
        switch test {
        case .isEmpty, .isNull: false
        default: true
        }
    }

    /// Adds the rows that pass a test.
    /// - Returns: false where this field cannot tell, and nothing was added.
    func add(_ test: FieldTest, to set: RowSet) throws(VecStoreError) -> Bool {
        switch test {
        case .isEmpty:
            let present = try RowSet(span: set.span)
            loaded.presence.addPresentRows(to: present)
            present.formComplement()
            set.formUnion(present)
            return true
        case .isNull:
            loaded.presence.addNullRows(to: set)
            return true
        case .valuesCount, .geoPolygon: return false
        default: break
        }
        switch (loaded.index, test) {
        case (.keyword(let index), .match(let match)): return try add(match, index, to: set)
        case (.integer(let index), .match(let match)): return add(match, index, to: set)
        case (.bool(let index), .match(.value(.bool(let value)))):
            index.addRows(equalTo: value, to: set)
            return true
        case (.integer(let index), .range(let bounds)):
            if let range = bounds.integers { index.addRows(in: Bounds(gte: range.lowerBound, lte: range.upperBound), to: set) }
            return true
        case (.float(let index), .range(let bounds)):
            index.addRows(in: bounds.reals, to: set)
            return true
        case (.datetime(let index), .timeRange(let bounds)):
            index.addRows(in: bounds, to: set)
            return true
        case (.geo(let index), .geoRadius(let circle)):
            index.addRows(in: circle, to: set)
            return true
        case (.geo(let index), .geoBox(let box)):
            index.addRows(in: box, to: set)
            return true
        default: return false
        }
    }

    private func add(_ match: MatchTest, _ index: KeywordIndex, to set: RowSet) throws(VecStoreError) -> Bool {
        switch match {
        case .value(.string(let value)): index.addRows(equalTo: value, to: set)
        case .any(.strings(let values)): index.addRows(withAny: values, to: set)
        case .except(.strings(let values)): try index.addRows(withOtherThan: values, to: set)
        case .prefix(let prefix): try index.addRows(withPrefix: prefix, to: set)
        default: return false
        }
        return true
    }

    private func add(_ match: MatchTest, _ index: IntegerIndex, to set: RowSet) -> Bool {
        switch match {
        case .value(.integer(let value)): index.addRows(equalTo: value, to: set)
        case .any(.integers(let values)): index.addRows(withAny: values, to: set)
        case .except(.integers(let values)): index.addRows(withOtherThan: values, to: set)
        default: return false
        }
        return true
    }
}

extension Bounds<Number> {
    /// The first and the last integer within the bounds; nil where there is none of 64 bits.
    var integers: ClosedRange<Int64>? {
        var whole = Bounds<Int64>(), real = Bounds<Double>()
        switch gt {
        case .integer(let value): whole.gt = value
        case .real(let value): real.gt = value
        case nil: break
        }
        switch gte {
        case .integer(let value): whole.gte = value
        case .real(let value): real.gte = value
        case nil: break
        }
        switch lt {
        case .integer(let value): whole.lt = value
        case .real(let value): real.lt = value
        case nil: break
        }
        switch lte {
        case .integer(let value): whole.lte = value
        case .real(let value): real.lte = value
        case nil: break
        }
        guard let a = whole.closed, let b = real.integers?.closed else { return nil }
        let lower = Swift.max(a.lowerBound, b.lowerBound), upper = Swift.min(a.upperBound, b.upperBound)
        return lower <= upper ? lower...upper : nil
    }

    /// The same bounds for real numbers. An integer that no `Double` is gives way to the next one that is.
    var reals: Bounds<Double> {
        var range = Bounds<Double>()
        for (bound, isOpen) in [(gt, true), (gte, false)] {
            guard let bound else { continue }
            let value = bound.rounded
            // Above the bound, where rounding went up, begin all that are at least this.
            if Number.real(value) > bound || (!isOpen && Number.real(value) == bound) {
                range.gte = Swift.max(range.gte ?? value, value)
            } else {
                range.gt = Swift.max(range.gt ?? value, value)
            }
        }
        for (bound, isOpen) in [(lt, true), (lte, false)] {
            guard let bound else { continue }
            let value = bound.rounded
            if Number.real(value) < bound || (!isOpen && Number.real(value) == bound) {
                range.lte = Swift.min(range.lte ?? value, value)
            } else {
                range.lt = Swift.min(range.lt ?? value, value)
            }
        }
        return range
    }
}
