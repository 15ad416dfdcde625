// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// The rows of places on the earth. They are sorted by bands of latitude, and within these by longitude: what an area touches
/// is a few slices, whose rows are compared exactly.
///
/// Not thread-safe: whoever owns it guards it with a readers-writer lock.
final class GeoIndex {
    let sorted: SortedIndex
    private let points: RowValues<GeoPoint>

    init() throws(VecStoreError) {
        sorted = try SortedIndex()
        points = try RowValues()
    }

    /// That of a file.
    init(_ file: FieldReader) throws(VecStoreError) {
        sorted = try SortedIndex(file)
        points = try RowValues(file)
        for point in points.values.elements { _ = try GeoPoint(lon: point.lon, lat: point.lat) }
    }

    func write(_ file: FieldFileWriter) throws(VecStoreError) {
        try sorted.write(file)
        try points.write(file)
    }

    var bytes: Int { sorted.bytes + points.bytes }

    // MARK: - Changing

    /// Gives a row its places, in the place of those it had. Where it throws, the row has none.
    func set(row: UInt32, values: [GeoPoint]) throws(VecStoreError) {
        remove(row: row)
        let points = points
        try values.withUnsafeBufferPointer { values throws(VecStoreError) in try points.set(row, values) }
        do throws(VecStoreError) {
            if values.count == 1 {
                try sorted.set(row, GeoIndex.key(values[0]))
            } else {
                try sorted.set(row, SortedIndex.distinct(values.map(GeoIndex.key)))
            }
        } catch {
            points.remove(row)
            throw error
        }
    }

    func remove(row: UInt32) {
        sorted.remove(row)
        points.remove(row)
    }

    // MARK: - Keys

    /// Bands of some 20 km.
    private static let bands = 1024

    private static func band(_ lat: Double) -> UInt64 { UInt64(min(max(Int((lat + 90) / 180 * Double(bands)), 0), bands - 1)) }

    /// Grows with `lon`, in 32 bits.
    private static func meridian(_ lon: Double) -> UInt64 { UInt64(min(max((lon + 180) / 360, 0), 1) * Double(UInt32.max)) }

    private static func key(_ point: GeoPoint) -> UInt64 {
        band(point.lat) << 32 | meridian(point.lon == 180 ? -180 : point.lon)
    }

    private static func forEachRange(of box: GeoBox, _ body: (ClosedRange<UInt64>) -> Void) {
        guard box.south <= box.north else { return }
        let meridians = box.intervals.map { meridian($0.lowerBound)...meridian($0.upperBound) }
        for band in band(box.south)...band(box.north) {
            for meridians in meridians { body((band << 32 | meridians.lowerBound)...(band << 32 | meridians.upperBound)) }
        }
    }

    // MARK: - Asking

    /// Adds the rows that have a place in the box.
    func addRows(in box: GeoBox, to set: RowSet) { addRows(near: box, to: set) { box.contains($0) } }

    /// Adds the rows that have a place in the circle.
    func addRows(in circle: GeoCircle, to set: RowSet) {
        let box = circle.box
        // To compare with the box takes less time.
        addRows(near: box, to: set) { box.contains($0) && circle.contains($0) }
    }

    @inline(__always)
    private func addRows(near box: GeoBox, to set: RowSet, _ isWanted: (GeoPoint) -> Bool) {
        let points = points
        GeoIndex.forEachRange(of: box) { range in
            sorted.forEachSettled(in: range) { if points[$0].contains(where: isWanted) { set.insert($0) } }
        }
        sorted.forEachPending { if points[$0].contains(where: isWanted) { set.insert($0) } }
    }

    /// About how many places are in the box. Looks at none.
    func countEstimate(_ box: GeoBox) -> Int {
        var sum = 0
        GeoIndex.forEachRange(of: box) { sum += sorted.places($0).count }
        return sum + min(sorted.pending.count, max(sum, 1))
    }
}
