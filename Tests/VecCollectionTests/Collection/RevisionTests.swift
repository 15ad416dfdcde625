// The number that stands for the points that a collection shows: another one after every change, the same for all who see the same.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct RevisionTests {
    private let directory: TemporaryDirectory
    private let collection: PointCollection

    init() throws {
        directory = try TemporaryDirectory()
        collection = try PointCollection.create(
            directory.path("points"), vectors: [VectorSettings(dimension: 2, metric: .l2Squared)], CollectionOptions(durability: .none))
        try collection.put([.number(1), .number(2), .number(3)], [[1, 0], [2, 0], [3, 0]])
    }

    private func reader(_ name: String = "points") throws -> PointCollection {
        try PointCollection.open(directory.path(name), CollectionOptions(isReadOnly: true))
    }

    private func writer(_ name: String) throws -> PointCollection {
        try PointCollection.open(directory.path(name), CollectionOptions(durability: .none))
    }

    @Test func everyWriteMakesAnotherOne() throws {
        var seen = [try collection.revision()]
        let id = [PointID.number(1)], payload = Array(#"{"a":1}"#.utf8)
        let writes: [() throws -> Void] = [
            { try collection.put(1, [1, 1]) },
            { try collection.put(1, [1, 1]) },
            { try collection.changePayload(.ids(id), .set(payload)) },
            { try collection.createPayloadIndex("a", type: .integer) },
            { try collection.remove(id) },
            { try collection.compact() },
        ]
        for write in writes {
            try write()
            seen.append(try collection.revision())
        }
        #expect(Set(seen).count == writes.count + 1)
    }

    @Test func whatChangesNoPointLeavesIt() throws {
        let before = try collection.revision()
        _ = try collection.near([1, 0])
        try collection.optimize()
        try collection.verify()
        #expect(try collection.revision() == before)
    }

    @Test func allWhoSeeTheSameSeeTheSameNumber() throws {
        let reader = try reader()
        var random = Random(seed: 5)
        for _ in 0..<50 {
            let id = UInt64(random.below(20))
            switch random.below(5) {
            case 0: try collection.remove([.number(id)])
            case 1: try collection.put([.number(id)], [[1, 0]], expires: [now() + Int64(random.below(3000))])
            case 2: try collection.put([.number(id)], [[1, 0]], expires: [now() - 1])
            default: try collection.put(id, [Float(id), 0])
            }
        }
        usleep(4000)
        let old = try reader.revision()
        #expect(try old != collection.revision())
        try reader.refresh()
        #expect(try reader.revision() == collection.revision())
        let expected = try collection.revision()
        try collection.close()
        #expect(try writer("points").revision() == expected)
    }

    @Test func aPointThatEndsMakesAnotherOneWithoutAWrite() throws {
        let soon = now() + 400_000
        try collection.put([.number(4), .number(5)], [[4, 0], [5, 0]], expires: [soon, soon + 3_600_000_000])
        let reader = try reader()
        let before = try collection.revision()
        #expect(try reader.revision() == before)
        while now() <= soon { usleep(1000) }
        let after = try collection.revision()
        #expect(after != before)
        #expect(try reader.revision() == after)
        #expect(try self.reader().revision() == after)
    }

    @Test func copiesThatGoTheirOwnWaysNeverMeetAgain() throws {
        try collection.snapshot(directory.path("copy"))
        let copy = try writer("copy")
        #expect(try copy.revision() == collection.revision())
        #expect(copy.uuid == collection.uuid)
        for id in 10..<20 {
            try collection.put(UInt64(id), [1, 0])
            try copy.put(UInt64(id), [2, 0])
            #expect(try copy.revision() != collection.revision())
        }
    }

    @Test func anOlderCopyInItsPlaceHasNoNumberThatWasThereBefore() throws {
        try collection.close()
        try FileManager.default.copyItem(atPath: directory.path("points"), toPath: directory.path("backup"))
        let lost = try writer("points"), back = try writer("backup")
        try lost.put(4, [4, 0])
        try back.put(4, [0, 4])
        #expect(try lost.revision() != back.revision())
    }

    @Test func aUUIDIsWrittenAsUUIDsAre() throws {
        #expect(CollectionUUID(high: 0x0123_4567_89ab_cdef, low: 0xf).text == "01234567-89ab-cdef-0000-00000000000f")
        let description = try collection.describe()
        #expect(description.contains(#""uuid":"\#(collection.uuid.text)""#))
        #expect(description.contains(#""revision":\#(try collection.revision()),"#))
    }
}
