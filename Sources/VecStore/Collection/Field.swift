// SPDX-License-Identifier: Apache-2.0

import VecCollection

/// A field of payloads, in conditions.
///
///     Field("section") == "net" && Field("size").between(1..<10) && !Field("tags").isEmpty
///
/// `==`, `!=`, `<`, `<=`, `>` and `>=` with a value, and the methods, make a `Condition`. A field that is an array meets a
/// condition where one of its elements does. `!=` and `!` hold for points without the field too.
public struct Field: Sendable, Hashable {
    /// "section"; "a.b" is the member b of the object a, "a[].b" that of each element of the array a. A key with signs that mean
    /// something is written in quotes.
    public let path: String

    public init(_ path: String) { self.path = path }

    private func condition(_ test: String, _ body: (inout JSONWriter) -> Void) -> Condition {
        Condition { json in
            json.key("key")
            json.string(path)
            json.key(test)
            json.beginObject()
            body(&json)
            json.endObject()
        }
    }

    private func match(_ test: String, _ value: String) -> Condition {
        condition("match") { json in
            json.key(test)
            json.string(value)
        }
    }

    // MARK: - Values

    /// Is a value: a string, an integer, or a boolean; a number that is no integer, or a time, is compared as `<=` and `>=` do.
    public static func == (field: Field, value: some FieldValue) -> Condition {
        let value = value.filterValue
        if value.isCompared { return field.range([("gte", value), ("lte", value)]) }
        return field.condition("match") { json in
            json.key("value")
            value.write(to: &json)
        }
    }

    public static func != (field: Field, value: some FieldValue) -> Condition { !(field == value) }

    /// Is one of some values; of none, no point.
    public func anyOf<Value: FieldValue>(_ values: [Value]) -> Condition {
        let listed = values.map(\.filterValue)
        guard listed.allSatisfy(\.isListed) else { return .anyOf(values.map { self == $0 }) }
        return condition("match") { json in
            json.key("any")
            json.beginArray()
            for value in listed { value.write(to: &json) }
            json.endArray()
        }
    }

    /// Is none of some values, or is not there.
    public func noneOf(_ values: [some FieldValue]) -> Condition { !anyOf(values) }

    // MARK: - Bounds

    public static func < (field: Field, bound: some FieldBound) -> Condition { field.range([("lt", bound.filterValue)]) }
    public static func <= (field: Field, bound: some FieldBound) -> Condition { field.range([("lte", bound.filterValue)]) }
    public static func > (field: Field, bound: some FieldBound) -> Condition { field.range([("gt", bound.filterValue)]) }
    public static func >= (field: Field, bound: some FieldBound) -> Condition { field.range([("gte", bound.filterValue)]) }

    /// A number, or a time, from the lower bound on and below the upper one.
    public func between<Bound: FieldBound & Comparable>(_ bounds: Range<Bound>) -> Condition {
        range([("gte", bounds.lowerBound.filterValue), ("lt", bounds.upperBound.filterValue)])
    }

    /// A number, or a time, within bounds that belong to it.
    public func between<Bound: FieldBound & Comparable>(_ bounds: ClosedRange<Bound>) -> Condition {
        range([("gte", bounds.lowerBound.filterValue), ("lte", bounds.upperBound.filterValue)])
    }

    private func range(_ bounds: [(String, FilterValue)]) -> Condition {
        condition("range") { json in
            for (name, bound) in bounds {
                json.key(name)
                bound.write(to: &json)
            }
        }
    }

    // MARK: - Texts

    /// Text with all of these words, in any order.
    public func text(_ words: String) -> Condition { match("text", words) }

    /// Text with one of these words, or more.
    public func textAny(_ words: String) -> Condition { match("text_any", words) }

    /// Text with these words, one after the other.
    public func phrase(_ words: String) -> Condition { match("phrase", words) }

    /// Text that begins like this, byte by byte.
    public func prefix(_ beginning: String) -> Condition { match("prefix", beginning) }

    // MARK: - What there is

    /// There is no such field, or it is null or an empty array.
    public var isEmpty: Condition { named("is_empty") }

    /// The field is there, and null.
    public var isNull: Condition { named("is_null") }

    private func named(_ test: String) -> Condition {
        Condition { json in
            json.key(test)
            json.beginObject()
            json.key("key")
            json.string(path)
            json.endObject()
        }
    }

    /// How many values the field has, of an array its elements: `count(1...3)`.
    public func count(_ bounds: ClosedRange<Int>) -> Condition { count(gte: bounds.lowerBound, lte: bounds.upperBound) }

    /// It has so many values or more: `count(2...)`.
    public func count(_ bounds: PartialRangeFrom<Int>) -> Condition { count(gte: bounds.lowerBound, lte: nil) }

    private func count(gte: Int, lte: Int?) -> Condition {
        condition("values_count") { json in
            json.key("gte")
            json.integer(gte)
            if let lte {
                json.key("lte")
                json.integer(lte)
            }
        }
    }

    /// One element of an array of objects meets all of a condition, whose fields are those of the element.
    /// - Parameter condition: Without `hasID` and `hasVector`, which are about points.
    public func nested(_ condition: Condition) -> Condition {
        Condition { json in
            json.key("nested")
            json.beginObject()
            json.key("key")
            json.string(path)
            json.key("filter")
            json.raw(condition.filterBytes)
            json.endObject()
        }
    }

    // MARK: - Places

    /// A place within a circle.
    /// - Parameter radius: In metres.
    public func near(_ center: GeoPoint, radius: Double) -> Condition {
        condition("geo_radius") { json in
            json.key("center")
            center.write(to: &json)
            json.key("radius")
            json.real(radius)
        }
    }

    /// A place within a box. One whose left is east of its right crosses the date line.
    public func inBox(topLeft: GeoPoint, bottomRight: GeoPoint) -> Condition {
        condition("geo_bounding_box") { json in
            json.key("top_left")
            topLeft.write(to: &json)
            json.key("bottom_right")
            bottomRight.write(to: &json)
        }
    }

    /// A place within a polygon.
    /// - Parameters:
    ///   - exterior: Its corners; the last is the first again.
    ///   - interiors: Holes, likewise.
    public func inPolygon(_ exterior: [GeoPoint], interiors: [[GeoPoint]] = []) -> Condition {
        func write(_ ring: [GeoPoint], to json: inout JSONWriter) {
            json.beginObject()
            json.key("points")
            json.beginArray()
            for corner in ring { corner.write(to: &json) }
            json.endArray()
            json.endObject()
        }
        return condition("geo_polygon") { json in
            json.key("exterior")
            write(exterior, to: &json)
            if interiors.isEmpty { return }
            json.key("interiors")
            json.beginArray()
            for ring in interiors { write(ring, to: &json) }
            json.endArray()
        }
    }
}

/// A place on the earth, in degrees. As a member of a payload it is `{"lon": …, "lat": …}`.
public struct GeoPoint: Sendable, Hashable, Codable {
    public var lon: Double
    public var lat: Double

    public init(lon: Double, lat: Double) {
        self.lon = lon
        self.lat = lat
    }

    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.key("lon")
        json.real(lon)
        json.key("lat")
        json.real(lat)
        json.endObject()
    }
}
