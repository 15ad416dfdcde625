// SPDX-License-Identifier: Apache-2.0

/// What is asked of the values at a path. A value that is an array passes where one of its elements does, except where a
/// case says something else; elements that are arrays are not looked into.
package enum FieldTest: Sendable {
    case match(MatchTest)
    /// A number within bounds, whether it is written with a point or not.
    case range(Bounds<Number>)
    /// A string that is a point in time within bounds: microseconds, see `DateTime`.
    case timeRange(Bounds<Int64>)
    case geoRadius(GeoCircle)
    case geoBox(GeoBox)
    case geoPolygon(GeoPolygon)
    /// How many values there are: of an array its elements, of null none, of all else one. Where nothing is at the path
    /// this does not hold.
    case valuesCount(Bounds<Int64>)
    /// Nothing is at the path, or only null and empty arrays.
    case isEmpty
    /// Null is at the path. An array that has null is not null itself.
    case isNull
}

package enum MatchTest: Sendable {
    /// The same value, of the same type: the integer 3 is not the real number 3.0. Strings are compared by bytes.
    case value(MatchValue)
    case any(MatchList)
    /// A value that is neither null nor in the list. Where nothing is at the path this does not hold.
    case except(MatchList)
    /// A string that has all words of this text, in any order. A text without words is in none.
    case text(String)
    /// A string that has one word of this text.
    case textAny(String)
    /// A string that has the words of this text, one after the other.
    case phrase(String)
    /// A string that begins with these bytes.
    case prefix(String)
}

package enum MatchValue: Sendable {
    case string(String)
    case integer(Int64)
    case bool(Bool)
}

package enum MatchList: Sendable {
    case strings([String])
    case integers([Int64])
}
