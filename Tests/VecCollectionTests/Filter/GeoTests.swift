// Areas on the earth: circles, boxes across the date line, polygons with holes.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import VecCollection

struct GeoTests {
    private func point(_ longitude: Double, _ latitude: Double) throws -> GeoPoint {
        try GeoPoint(lon: longitude, lat: latitude)
    }

    @Test func aCircleHasItsCenterAndWhatIsNearer() throws {
        #expect(try GeoCircle(center: point(10, 10), radius: 0).contains(point(10, 10)))
        // Berlin and Paris are 877.5 km apart.
        let berlin = try point(13.404954, 52.520008), paris = try point(2.352222, 48.856613)
        #expect(try GeoCircle(center: berlin, radius: 878_500).contains(paris))
        #expect(try !GeoCircle(center: berlin, radius: 876_500).contains(paris))
        // A degree of the equator, across the date line too.
        let degree = Double.pi * GeoCircle.earthRadius / 180
        #expect(try GeoCircle(center: point(179.5, 0), radius: degree + 1).contains(point(-179.5, 0)))
        #expect(try !GeoCircle(center: point(179.5, 0), radius: degree - 1).contains(point(-179.5, 0)))
    }

    @Test func aBoxHasItsEdges() throws {
        let box = try GeoBox(southWest: point(10, 40), northEast: point(20, 50))
        #expect(try box.contains(point(15, 45)) && box.contains(point(10, 50)) && box.contains(point(20, 40)))
        for (longitude, latitude) in [(9.9, 45.0), (20.1, 45), (15, 50.1), (15, 39.9), (-15, 45)] {
            #expect(try !box.contains(point(longitude, latitude)))
        }
    }

    @Test func aBoxMayCrossTheDateLine() throws {
        let box = try GeoBox(southWest: point(170, -10), northEast: point(-170, 10))
        #expect(try box.contains(point(175, 0)) && box.contains(point(-175, 0)) && box.contains(point(180, 0)))
        #expect(try !box.contains(point(0, 0)) && !box.contains(point(-169, 0)) && !box.contains(point(169, 0)))
    }

    private func ring(_ points: [(Double, Double)]) throws -> [GeoPoint] { try points.map { try point($0.0, $0.1) } }

    @Test func aPolygonHasItsEdgesAndNotItsHoles() throws {
        let polygon = GeoPolygon(
            exterior: try ring([(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)]),
            interiors: [try ring([(4, 4), (4, 6), (6, 6), (6, 4), (4, 4)])])
        #expect(try polygon.contains(point(1, 1)) && polygon.contains(point(3, 5)) && polygon.contains(point(7, 5)))
        #expect(try polygon.contains(point(0, 5)) && polygon.contains(point(10, 10)) && polygon.contains(point(4, 5)))
        #expect(try !polygon.contains(point(5, 5)) && !polygon.contains(point(11, 5)) && !polygon.contains(point(-1, 5)))
        // Level with corners and edges of the ring.
        #expect(try !polygon.contains(point(-1, 0)) && !polygon.contains(point(-1, 10)) && !polygon.contains(point(11, 10)))
    }

    @Test func aPolygonMayBeConcave() throws {
        // A "U", wound either way.
        let corners: [(Double, Double)] = [(0, 0), (9, 0), (9, 9), (6, 9), (6, 3), (3, 3), (3, 9), (0, 9), (0, 0)]
        for points in [corners, corners.reversed()] {
            let polygon = GeoPolygon(exterior: try ring(points), interiors: [])
            #expect(try polygon.contains(point(1, 8)) && polygon.contains(point(8, 8)) && polygon.contains(point(4.5, 1)))
            #expect(try !polygon.contains(point(4.5, 8)) && !polygon.contains(point(4.5, 3.5)) && polygon.contains(point(4.5, 3)))
        }
    }
}
