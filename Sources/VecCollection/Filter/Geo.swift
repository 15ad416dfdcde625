// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A place on the earth, in degrees: longitude −180…180, latitude −90…90.
package struct GeoPoint: Sendable {
    package let longitude: Double
    package let latitude: Double

    package init?(longitude: Double, latitude: Double) {
        guard (-180...180).contains(longitude), (-90...90).contains(latitude) else { return nil }
        self.longitude = longitude
        self.latitude = latitude
    }

    /// `{"lon": …, "lat": …}`, whatever else the object has. Nil for all other values.
    package init?(_ value: JSONValue) {
        guard let longitude = value.member("lon".utf8)?.number, let latitude = value.member("lat".utf8)?.number
        else { return nil }
        self.init(longitude: longitude.rounded, latitude: latitude.rounded)
    }

    /// Metres on a sphere with the mean radius of the earth, by the haversine formula.
    package func distance(to other: GeoPoint) -> Double {
        let radians = Double.pi / 180
        let latitudes = sin((other.latitude - latitude) * radians / 2)
        let longitudes = sin((other.longitude - longitude) * radians / 2)
        let h = latitudes * latitudes + cos(latitude * radians) * cos(other.latitude * radians) * longitudes * longitudes
        return 2 * GeoPoint.earthRadius * asin(min(1, h.squareRoot()))
    }

    /// Metres: the mean of the three semi-axes of the earth.
    package static let earthRadius = 6_371_008.8
}

/// The places within a distance of a centre, those at that distance among them.
package struct GeoRadius: Sendable {
    package let center: GeoPoint
    /// Metres.
    package let radius: Double

    package func contains(_ point: GeoPoint) -> Bool { center.distance(to: point) <= radius }
}

/// The places between two parallels and two meridians, and on them. Where the left is east of the right, it crosses the
/// date line.
package struct GeoBox: Sendable {
    package let topLeft: GeoPoint
    package let bottomRight: GeoPoint

    package func contains(_ point: GeoPoint) -> Bool {
        guard point.latitude <= topLeft.latitude, point.latitude >= bottomRight.latitude else { return false }
        let isEastOfLeft = point.longitude >= topLeft.longitude
        let isWestOfRight = point.longitude <= bottomRight.longitude
        return topLeft.longitude > bottomRight.longitude ? isEastOfLeft || isWestOfRight : isEastOfLeft && isWestOfRight
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
                (b.longitude - a.longitude) * (point.latitude - a.latitude)
                - (point.longitude - a.longitude) * (b.latitude - a.latitude)
            if turn == 0, point.longitude >= min(a.longitude, b.longitude), point.longitude <= max(a.longitude, b.longitude),
                point.latitude >= min(a.latitude, b.latitude), point.latitude <= max(a.latitude, b.latitude)
            {
                return .edge
            }
            // An end of an edge belongs to its upper half, so that a ray through a corner crosses once.
            if (a.latitude > point.latitude) != (b.latitude > point.latitude), (turn > 0) == (b.latitude > a.latitude) {
                isInside.toggle()
            }
        }
        return isInside ? .inside : .outside
    }
}
