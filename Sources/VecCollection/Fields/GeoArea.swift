// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// A place on the earth, in degrees.
package struct GeoPoint: BitwiseCopyable, Equatable, Sendable {
    package let lon: Double
    package let lat: Double

    package init(lon: Double, lat: Double) throws(VecStoreError) {
        // A NaN is within no bounds.
        guard abs(lon) <= 180, abs(lat) <= 90 else {
            throw VecStoreError(
                .invalidArgument, "(lon \(lon), lat \(lat)) is no place: lon is from -180 to 180, lat from -90 to 90")
        }
        self.lon = lon
        self.lat = lat
    }
}

/// What lies between two meridians and two parallels, these included. Where `west` is larger than `east` it crosses the date
/// line.
package struct GeoBox: Equatable, Sendable {
    let west: Double
    let south: Double
    let east: Double
    let north: Double

    /// - Returns: An area that has no place where `southWest` lies north of `northEast`.
    init(southWest: GeoPoint, northEast: GeoPoint) {
        self.init(west: southWest.lon, south: southWest.lat, east: northEast.lon, north: northEast.lat)
    }

    init(west: Double, south: Double, east: Double, north: Double) {
        self.west = west
        self.south = south
        self.east = east
        self.north = north
    }

    @inline(__always)
    func contains(_ point: GeoPoint) -> Bool {
        guard point.lat >= south, point.lat <= north else { return false }
        // The meridians 180 and -180 are one.
        return containsMeridian(point.lon) || (abs(point.lon) == 180 && containsMeridian(-point.lon))
    }

    @inline(__always)
    private func containsMeridian(_ lon: Double) -> Bool {
        west <= east ? lon >= west && lon <= east : lon >= west || lon <= east
    }

    /// Its meridians as intervals that do not cross the date line. Of the meridians 180 and -180, which are one, -180 is in them
    /// where it is in the box.
    var intervals: [ClosedRange<Double>] {
        if west > east { return [west...180, -180...east] }
        return east == 180 && west > -180 ? [west...east, -180...(-180)] : [west...east]
    }
}

/// What is at most `radius` metres away from a place, on a sphere.
package struct GeoCircle: Equatable, Sendable {
    let center: GeoPoint
    let radius: Double

    /// The mean radius of the earth in metres (IUGG).
    static let earthRadius = 6_371_008.8

    private let centerCosine: Double
    /// The haversine of the radius.
    private let limit: Double

    init(center: GeoPoint, radius: Double) throws(VecStoreError) {
        guard radius >= 0 else {
            throw VecStoreError(.invalidArgument, "a circle of \(radius) metres: the radius has to be a number of at least 0")
        }
        self.center = center
        self.radius = radius
        centerCosine = cos(GeoCircle.radians(center.lat))
        let sine = sin(min(radius / GeoCircle.earthRadius, .pi) / 2)
        limit = radius >= GeoCircle.earthRadius * .pi ? 2 : sine * sine
    }

    private static func radians(_ degrees: Double) -> Double { degrees * (.pi / 180) }

    /// The haversine formula; haversines are compared, which have the order of distances.
    func contains(_ point: GeoPoint) -> Bool {
        let a = sin(GeoCircle.radians(point.lat - center.lat) / 2)
        let b = sin(GeoCircle.radians(point.lon - center.lon) / 2)
        return a * a + centerCosine * cos(GeoCircle.radians(point.lat)) * b * b <= limit
    }

    /// A box around it.
    var box: GeoBox {
        // About a metre more than needed: the rounding of a haversine stays below that, also where it is worst, at half of the
        // earth's circumference.
        let angle = radius / GeoCircle.earthRadius + 2e-7
        let degrees = angle * (180 / .pi)
        let south = max(center.lat - degrees, -90)
        let north = min(center.lat + degrees, 90)
        // Around a pole there are all meridians.
        guard south > -90, north < 90 else { return GeoBox(west: -180, south: south, east: 180, north: north) }
        // The meridians that touch the circle: a right-angled triangle with the pole. No pole is in it, so the angle is less than
        // a right one, and its sine less than the cosine of the center's latitude.
        let width = asin(min(sin(angle) / centerCosine, 1)) * (180 / .pi) + 1e-5
        guard width < 180 else { return GeoBox(west: -180, south: south, east: 180, north: north) }
        let west = center.lon - width
        let east = center.lon + width
        return GeoBox(west: west < -180 ? west + 360 : west, south: south, east: east > 180 ? east - 360 : east, north: north)
    }
}
