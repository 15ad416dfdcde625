// SPDX-License-Identifier: Apache-2.0

/// What a value has to be greater or less than. All of them that are there hold.
package struct Bounds<Value: Comparable & Sendable>: Equatable, Sendable {
    package var gt: Value?
    package var gte: Value?
    package var lt: Value?
    package var lte: Value?

    package init(gt: Value? = nil, gte: Value? = nil, lt: Value? = nil, lte: Value? = nil) {
        self.gt = gt
        self.gte = gte
        self.lt = lt
        self.lte = lte
    }

    package func contains(_ value: Value) -> Bool {
        if let gt, !(value > gt) { return false }
        if let gte, !(value >= gte) { return false }
        if let lt, !(value < lt) { return false }
        if let lte, !(value <= lte) { return false }
        return true
    }
}
