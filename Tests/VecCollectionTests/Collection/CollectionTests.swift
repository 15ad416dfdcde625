// What a collection does in one process: writing, finding, replacing, removing, opening again.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct CollectionTests {
    private let directory: TemporaryDirectory
    private let collection: PointCollection

    init() throws {
        directory = try TemporaryDirectory()
        collection = try PointCollection.create(directory.path("points"), vectors: [VectorSettings(dimension: 2, metric: .l2Squared)])
    }

    private func reopened(readOnly: Bool = false) throws -> PointCollection {
        try collection.close()
        return try PointCollection.open(directory.path("points"), CollectionOptions(isReadOnly: readOnly))
    }

    @Test func aPointIsFoundAsSoonAsItIsWritten() throws {
        try collection.put(7, [1, 2], #"{"name":"seven"}"#)
        let hits = try collection.near([1, 2])
        #expect(hits.numbers == [7])
        #expect(hits.first?.distance == 0)
        #expect(hits.first?.payload == Array(#"{"name":"seven"}"#.utf8))
    }

    @Test func pointsAreThereAfterOpeningAgain() throws {
        try collection.put([.number(1), .text("two")], [[1, 0], [2, 0]], [#"{"a":1}"#, ""])
        let again = try reopened()
        #expect(try again.count() == 2)
        #expect(try again.near([2, 0]).ids == [.text("two"), .number(1)])
        #expect(try again.payload(.number(1)) == #"{"a":1}"#)
        #expect(try again.payload(.text("two")) == "")
        #expect(try again.payload(.number(2)) == nil)
        try again.verify()
    }

    @Test func anUpsertReplacesThePointWhole() throws {
        try collection.put(1, [1, 1], #"{"old":true}"#)
        try collection.put(1, [5, 5])
        #expect(try collection.count() == 1)
        let hits = try collection.near([1, 1])
        #expect(hits.numbers == [1])
        #expect(hits.first?.distance == 32)
        #expect(hits.first?.payload == [])
    }

    @Test func ofAnIDThatComesTwiceTheLastCounts() throws {
        try collection.put([.number(1), .number(1)], [[1, 1], [2, 2]], [#"{"n":1}"#, #"{"n":2}"#])
        #expect(try collection.count() == 1)
        #expect(try collection.payload(.number(1)) == #"{"n":2}"#)
        try collection.verify()
    }

    @Test func aRemovedPointIsNotFound() throws {
        try collection.put([.number(1), .number(2)], [[1, 0], [2, 0]])
        #expect(try collection.remove([.number(1), .number(9)]) == 1)
        #expect(try collection.near([1, 0]).numbers == [2])
        #expect(try reopened().near([1, 0]).numbers == [2])
    }

    @Test func numbersAndStringsAreDifferentIDs() throws {
        try collection.put([.number(7), .text("7"), .number(.max - 1)], [[1, 0], [2, 0], [3, 0]])
        #expect(try collection.count() == 3)
        #expect(try collection.remove([.text("7")]) == 1)
        #expect(try collection.near([0, 0]).ids == [.number(7), .number(.max - 1)])
    }

    @Test func aBatchWithABadPointChangesNothing() throws {
        try collection.put(1, [1, 1], #"{"a":1}"#)
        #expect(throws: VecStoreError.self) {
            try collection.put([.number(1), .number(2)], [[3, 3], [.nan, 0]], ["", ""])
        }
        #expect(throws: VecStoreError.self) {
            try collection.put([.number(1), .number(2)], [[3, 3], [4, 4]], ["", "[1]"])
        }
        #expect(throws: VecStoreError.self) { try collection.put([.text("")], [[3, 3]]) }
        #expect(try collection.count() == 1)
        #expect(try collection.near([1, 1]).first?.distance == 0)
        try collection.verify()
    }

    @Test func oneWriterHasTheCollectionAndReadersSeeIt() throws {
        try collection.put(1, [1, 1])
        do throws(VecStoreError) {
            _ = try PointCollection.open(directory.path("points"))
            Issue.record("two have it open for writing")
        } catch {
            #expect(error.code == .locked)
        }
        let reader = try PointCollection.open(directory.path("points"), CollectionOptions(isReadOnly: true))
        #expect(try reader.near([1, 1]).numbers == [1])
        do throws(VecStoreError) {
            _ = try reader.remove([.number(1)])
            Issue.record("a reader wrote")
        } catch {
            #expect(error.code == .readOnly)
        }
    }

    @Test func pagesGoThroughAllIDsInOrder() throws {
        let ids: [PointID] = [.text("b"), .number(5), .number(1 << 63), .text("a"), .number(0), .number(3)]
        try collection.put(ids, ids.map { _ in [1, 1] })
        var seen: [PointID] = []
        var last: PointID?
        while true {
            let page = try collection.scroll(after: last, limit: 2, filter: nil)
            seen += page.map(\.id)
            guard let next = page.last else { break }
            last = next.id
        }
        #expect(seen == [.number(0), .number(3), .number(5), .number(1 << 63), .text("a"), .text("b")])
    }

    @Test func payloadsChangeInPlace() throws {
        try collection.put([.number(1), .number(2)], [[1, 0], [2, 0]], [#"{"a":1,"b":{"c":[1,2.5,"x"]}}"#, ""])
        let both = PointSelection.ids([.number(1), .number(2), .number(3)])
        #expect(try collection.changePayload(both, .merge(Array(#"{"a":2,"d":null}"#.utf8))) == 2)
        #expect(try collection.payload(.number(1)) == #"{"a":2,"b":{"c":[1,2.5,"x"]},"d":null}"#)
        #expect(try collection.payload(.number(2)) == #"{"a":2,"d":null}"#)
        try collection.changePayload(.ids([.number(1)]), .deleteKeys(["b", "no"]))
        #expect(try collection.payload(.number(1)) == #"{"a":2,"d":null}"#)
        let matching = PointSelection.matching(Array(#"{"must":[{"key":"a","match":{"value":2}}]}"#.utf8))
        #expect(try collection.changePayload(matching, .set([])) == 2)
        #expect(try collection.payload(.number(2)) == "")
        #expect(try collection.near([1, 0]).numbers == [1, 2])
        try collection.verify()
    }

    @Test func aPointThatHasEndedIsGone() throws {
        let time = now()
        try collection.put(
            [.number(1), .number(2), .number(3)], [[1, 0], [2, 0], [3, 0]], expires: [time + 150_000, 0, time + 3_600_000_000])
        #expect(try collection.near([1, 0]).numbers == [1, 2, 3])
        while now() < time + 160_000 { sched_yield() }
        #expect(try collection.near([1, 0]).numbers == [2, 3])
        #expect(try collection.get([.number(1)])[0] == nil)
        #expect(try collection.count() == 2)
        // The next write deletes it.
        try collection.put(4, [4, 0])
        #expect(try collection.count() == 3)
        try collection.verify()
        #expect(try reopened().count() == 3)
    }

    @Test func aDatabaseThatSomebodyElseChangedIsAnErrorAndNoEndlessWait() throws {
        try collection.put(1, [1, 1], #"{"a":1}"#)
        try Catalog.noteChange(Database("\(directory.path("points"))/\(Catalog.fileName)", .readWrite))
        do throws(VecStoreError) {
            _ = try collection.get([.number(1)])
            Issue.record("it was not noticed")
        } catch {
            #expect(error.code == .corrupt)
        }
    }

    @Test func aClosedCollectionRefusesCalls() throws {
        try collection.close()
        try collection.close()
        do throws(VecStoreError) {
            _ = try collection.count()
            Issue.record("it answered")
        } catch {
            #expect(error.code == .invalidHandle)
        }
    }

    @Test func aDirectoryWithFilesIsNotTaken() throws {
        do throws(VecStoreError) {
            _ = try PointCollection.create(directory.path("points"), vectors: [VectorSettings(dimension: 2)])
            Issue.record("it was made anew")
        } catch {
            #expect(error.code == .alreadyExists)
        }
        #expect(directory.names == ["points"])
    }
}
