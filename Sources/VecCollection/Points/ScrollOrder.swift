// SPDX-License-Identifier: Apache-2.0

/// By which field points are scrolled through, and from where on.
package struct ScrollOrder: Sendable {
    /// A field with an index that has an order.
    package var path: String
    package var isDescending = false
    /// The first value, as JSON; nil: from the least or the largest on.
    package var start: [UInt8]?
    /// The value of the last point of the page before, as JSON, and its id. What comes after it comes next, whether it is there
    /// still or not.
    package var after: (value: [UInt8], id: PointID)?

    package init(path: String) { self.path = path }
}

/// A point in the place that a value gives it.
package struct OrderedPoint: Sendable {
    package var point: Point
    /// As JSON.
    package var value: [UInt8]
}
