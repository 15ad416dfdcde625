// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Reads the areas of filters.
enum GeoParser {
    static func radius(_ node: FilterNode) throws(VecStoreError) -> GeoCircle {
        try node.checkKeys(["center", "radius"], of: "geo_radius")
        let center = try point(try node.member("center"))
        let metres = try node.member("radius")
        let radius = try metres.real()
        guard radius >= 0 else { throw metres.error("\(radius), where metres of at least 0 are expected") }
        return try GeoCircle(center: center, radius: radius)
    }

    static func box(_ node: FilterNode) throws(VecStoreError) -> GeoBox {
        try node.checkKeys(["top_left", "bottom_right"], of: "geo_bounding_box")
        let topLeft = try point(try node.member("top_left")), bottomRight = try point(try node.member("bottom_right"))
        guard topLeft.lat >= bottomRight.lat else { throw node.error("the top is south of the bottom") }
        return GeoBox(west: topLeft.lon, south: bottomRight.lat, east: bottomRight.lon, north: topLeft.lat)
    }

    static func polygon(_ node: FilterNode) throws(VecStoreError) -> GeoPolygon {
        try node.checkKeys(["exterior", "interiors"], of: "geo_polygon")
        let exterior = try ring(try node.member("exterior"))
        var interiors: [[GeoPoint]] = []
        if let rings = node["interiors"] {
            for element in try rings.elements() { interiors.append(try ring(element)) }
        }
        return GeoPolygon(exterior: exterior, interiors: interiors)
    }

    private static func ring(_ node: FilterNode) throws(VecStoreError) -> [GeoPoint] {
        try node.checkKeys(["points"], of: "a ring")
        let list = try node.member("points")
        var points: [GeoPoint] = []
        for element in try list.elements() { points.append(try point(element)) }
        guard points.count >= 4, let first = points.first, let last = points.last, first == last
        else { throw list.error("expected at least 4 points, of which the last is the first") }
        return points
    }

    private static func point(_ node: FilterNode) throws(VecStoreError) -> GeoPoint {
        try node.checkKeys(["lon", "lat"], of: "a point")
        let lon = try node.member("lon").real()
        let lat = try node.member("lat").real()
        guard let point = try? GeoPoint(lon: lon, lat: lat) else {
            throw node.error("lon \(lon) and lat \(lat), where -180 to 180 and -90 to 90 are allowed")
        }
        return point
    }
}
