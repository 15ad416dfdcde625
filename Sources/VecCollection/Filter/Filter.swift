// SPDX-License-Identifier: Apache-2.0

/// What points a search, a count or a change is about. Where all lists are empty it is all points.
package struct Filter: Sendable {
    /// All of them hold.
    package var must: [FilterCondition] = []
    /// One of them holds, where there are any.
    package var should: [FilterCondition] = []
    /// None of them holds.
    package var mustNot: [FilterCondition] = []
    package var minShould: MinShould?

    /// At least `count` of the conditions hold.
    package struct MinShould: Sendable {
        package let conditions: [FilterCondition]
        package let count: Int
    }

    package init() {}

    package var isEmpty: Bool { must.isEmpty && should.isEmpty && mustNot.isEmpty && minShould == nil }
}

package indirect enum FilterCondition: Sendable {
    /// Something about the values that are at a path of the payload.
    case field(PayloadPath, FieldTest)
    /// The id is one of these.
    case hasID(Set<PointID>)
    /// The point has a vector of this name.
    case hasVector(String)
    /// One element of the array at a path is an object that the filter matches, as if it were a payload of its own.
    case nested(PayloadPath, Filter)
    case filter(Filter)
}
