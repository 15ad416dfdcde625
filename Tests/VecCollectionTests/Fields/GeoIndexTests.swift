// The index of places against a dictionary of rows: with boxes and circles at the date line and at the poles.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct GeoIndexTests {
    /// Everywhere, with many at places where something ends, and many around one city.
    private static func point(_ random: inout Random) throws -> GeoPoint {
        func any(_ limit: Double, _ random: inout Random) -> Double { Double(random.unit()) * limit }
        let lon: Double
        let lat: Double
        switch random.below(5) {
        case 0:
            lon = [-180, 180, 179.999, -179.999, 0, 90][random.below(6)]
            lat = [-90, 90, 89.999, -89.999, 0, 45][random.below(6)]
        case 1:
            lon = any(180, &random)
            lat = random.below(2) == 0 ? 90 - abs(any(1, &random)) : -90 + abs(any(1, &random))
        case 2:
            lon = 180 - abs(any(0.5, &random))
            lat = any(5, &random)
        case 3:
            lon = 13.4 + any(0.3, &random)
            lat = 52.5 + any(0.2, &random)
        default:
            lon = any(180, &random)
            lat = any(90, &random)
        }
        return try GeoPoint(lon: lon, lat: lat)
    }

    /// In metres: the formula of Vincenty for a sphere, which is another one than that of the index.
    private static func distance(_ a: GeoPoint, _ b: GeoPoint) -> Double {
        let r = Double.pi / 180
        let d = (b.lon - a.lon) * r
        let x = cos(a.lat * r) * sin(b.lat * r) - sin(a.lat * r) * cos(b.lat * r) * cos(d)
        let y = cos(b.lat * r) * sin(d)
        let z = sin(a.lat * r) * sin(b.lat * r) + cos(a.lat * r) * cos(b.lat * r) * cos(d)
        return GeoCircle.earthRadius * atan2((x * x + y * y).squareRoot(), z)
    }

    @Test(arguments: rowCounts) func findsWhatADictionaryFinds(rowCount: Int) throws {
        let index = try GeoIndex()
        var model = RowModel<GeoPoint>(rowCount: rowCount)
        try model.change(
            seed: UInt64(rowCount), steps: rowCount * 2, value: GeoIndexTests.point,
            set: { try index.set(row: $0, values: $1) }, remove: { index.remove(row: $0) }
        ) { model, random throws in
            for _ in 0..<20 {
                let (a, b) = (try GeoIndexTests.point(&random), try GeoIndexTests.point(&random))
                let box = GeoBox(southWest: a, northEast: b)
                let expected = model.rows { point in
                    let lons = abs(point.lon) == 180 ? [-180, 180] : [point.lon]
                    return point.lat >= a.lat && point.lat <= b.lat
                        && lons.contains { a.lon <= b.lon ? $0 >= a.lon && $0 <= b.lon : $0 >= a.lon || $0 <= b.lon }
                }
                #expect(try RowSet.rows(rowCount) { index.addRows(in: box, to: $0) } == expected, "\(box)")

                let radius = pow(10, 2 + Double(random.below(540)) / 100)
                let circle = try GeoCircle(center: a, radius: radius)
                let found = Set(try RowSet.rows(rowCount) { index.addRows(in: circle, to: $0) })
                // What is within a metre of the edge is left to rounding.
                #expect(found.isSuperset(of: model.rows { GeoIndexTests.distance(a, $0) < radius - 1 }), "\(circle)")
                #expect(found.isSubset(of: model.rows { GeoIndexTests.distance(a, $0) < radius + 1 }), "\(circle)")
            }
        }
    }

    @Test func aCircleGoesAcrossThePoleAndTheDateLine() throws {
        let index = try GeoIndex()
        let places: [(Double, Double)] = [(0, 89.9), (180, 89.9), (179.95, 0), (-179.95, 0), (180, 0), (-180, 0), (0, -90)]
        for (row, place) in places.enumerated() {
            try index.set(row: UInt32(row), values: [GeoPoint(lon: place.0, lat: place.1)])
        }
        func rows(_ lon: Double, _ lat: Double, _ radius: Double) throws -> [UInt32] {
            let circle = try GeoCircle(center: GeoPoint(lon: lon, lat: lat), radius: radius)
            return try RowSet.rows(places.count) { index.addRows(in: circle, to: $0) }
        }
        #expect(try rows(0, 89.9, 25_000) == [0, 1])
        #expect(try rows(90, 89.95, 20_000) == [0, 1])
        #expect(try rows(179.99, 0, 10_000) == [2, 3, 4, 5])
        #expect(try rows(-179.99, 0, 2000) == [4, 5])
        #expect(try rows(77, -90, 1) == [6])
        #expect(try rows(0, 0, 30_000_000) == Array(0..<7))
        #expect(try rows(0, 0, .infinity) == Array(0..<7))
    }

    @Test func whatIsNoPlaceIsRefused() {
        for (lon, lat) in [(180.1, 0.0), (-181, 0), (0, 90.5), (0, -91), (.nan, 0), (0, .nan), (.infinity, 0)] {
            #expect(throws: VecStoreError.self) { _ = try GeoPoint(lon: lon, lat: lat) }
        }
        for radius in [-1, -Double.infinity, .nan] {
            #expect(throws: VecStoreError.self) { _ = try GeoCircle(center: GeoPoint(lon: 0, lat: 0), radius: radius) }
        }
    }
}
