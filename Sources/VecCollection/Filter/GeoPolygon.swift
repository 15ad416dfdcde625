// SPDX-License-Identifier: Apache-2.0

extension GeoPoint {
    /// `{"lon": …, "lat": …}`, whatever else the object has. Nil for all other values.
    package init?(_ value: JSONValue) {
        guard let lon = value.member("lon".utf8)?.number, let lat = value.member("lat".utf8)?.number,
            let point = try? GeoPoint(lon: lon.rounded, lat: lat.rounded)
        else { return nil }
        self = point
    }
}

/// The places within a ring and outside of the rings of its holes; all edges are part of it. Edges are straight lines of
/// longitude and latitude, and do not cross the date line.
package struct GeoPolygon: Sendable {
    package let exterior: [GeoPoint]
    package let interiors: [[GeoPoint]]

    package func contains(_ point: GeoPoint) -> Bool {
        switch GeoPolygon.side(point, exterior) {
        case .outside: return false
        case .edge: return true
        case .inside: return interiors.allSatisfy { GeoPolygon.side(point, $0) != .inside }
        }
    }

    private enum Side { case outside, edge, inside }

    /// Counts the edges of a closed ring that a ray to the east crosses.
    private static func side(_ point: GeoPoint, _ ring: [GeoPoint]) -> Side {
        var isInside = false
        for (a, b) in zip(ring, ring.dropFirst()) {
            let turn =
                (b.lon - a.lon) * (point.lat - a.lat)
                - (point.lon - a.lon) * (b.lat - a.lat)
            if turn == 0, point.lon >= min(a.lon, b.lon), point.lon <= max(a.lon, b.lon),
                point.lat >= min(a.lat, b.lat), point.lat <= max(a.lat, b.lat)
            {
                return .edge
            }
            // An end of an edge belongs to its upper half, so that a ray through a corner crosses once.
            if (a.lat > point.lat) != (b.lat > point.lat), (turn > 0) == (b.lat > a.lat) {
                isInside.toggle()
            }
        }
        return isInside ? .inside : .outside
    }
}
