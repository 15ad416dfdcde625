// Writing and reading points in Swift.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VecStore

@Suite("Points in Swift")
struct PointTests {
    @Test("points come back as they were written")
    func whole() throws {
        try withCollection { points in
            let end = Date(timeIntervalSince1970: 4_000_000_000.25)
            let given = [
                PointCollection.Point(1, [1, 2], payload: Payload(json: #"{"a": [1, 2.50]}"#), expires: end),
                PointCollection.Point("a", [3, 4]),
            ]
            try points.upsert(given)
            #expect(try points.get([1, "a", 2], withVectors: true) == [given[0], given[1], nil])
            let bare = try #require(try points.get(1))
            #expect(bare.vectors.isEmpty && bare.vector == nil && bare.expires == end)
            #expect(bare.payload?.json == #"{"a": [1, 2.50]}"#)
        }
    }

    @Test("vectors come as arrays of arrays, as one flat array, as Float16 and as borrowed memory")
    func forms() throws {
        try withCollection { points in
            try points.upsert([1, 2], [[1, 2], [3, 4]] as [[Float]])
            try points.upsert([3, 4], .init(flat: [5, 6, 7, 8] as [Float]))
            try points.upsert([5], [[9, 10]] as [[Float16]])
            let memory: [Float16] = [11, 12]
            try memory.withUnsafeBufferPointer { try points.upsert([6], .init(flat: $0)) }
            try points.upsert([], [] as [[Float]])
            try points.upsert([], .init(flat: [] as [Float]))
            let all = try points.scroll(withVectors: true)
            #expect(all.map(\.vector) == [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10], [11, 12]])
        }
    }

    @Test("a point that is written again is replaced whole, and the last of an id counts")
    func replaced() throws {
        try withCollection { points in
            try points.upsert([1], [[1, 2]] as [[Float]], payloads: [Payload(json: #"{"a":1}"#)])
            try points.upsert([1, 1], [[3, 4], [5, 6]] as [[Float]])
            #expect(try points.get(1, withVectors: true) == PointCollection.Point(1, [5, 6]))
            #expect(try points.count() == 1)
        }
    }

    @Test("points have vectors by name, and need not have all")
    func named() throws {
        try withDirectory { path in
            let points = try PointCollection(
                creating: path, vectors: [.init(name: "title", dimension: 2), .init(name: "body", dimension: 3)])
            try points.upsert([
                PointCollection.Point(1, vectors: ["title": [1, 0], "body": [1, 0, 0]]),
                PointCollection.Point(2, vectors: ["title": [0, 1]]),
            ])
            try points.upsert([3], ["body": .init([[0, 1, 0]] as [[Float]])])
            let titles: [[Float]?] = [[1, 1], nil], bodies: [Float] = [1, 1, 1, 2, 2, 2]
            try points.upsert([4, 5], ["title": .init(titles), "body": .init(flat: bodies)])
            #expect(try points.get(2, withVectors: true)?.vectors == ["title": [0, 1]])
            #expect(try points.get(5, withVectors: true)?.vectors == ["body": [2, 2, 2]])
            #expect(try points.search([1, 0] as [Float], k: 1, options: .init(vectorName: "title")).ids == [1])
            #expect(try points.count(filter: .hasVector("title")) == 3)
            try points.updateVectors([3], ["title": .init([[5, 5]] as [[Float]])])
            #expect(try points.get(3, withVectors: true)?.vectors == ["title": [5, 5], "body": [0, 1, 0]])
            expect(.invalidArgument) { _ = try points.search([1, 0] as [Float]) }
            expect(.invalidArgument) { _ = try points.search([1, 0] as [Float], options: .init(vectorName: "other")) }
            expect(.invalidArgument) { try points.upsert([6], [[1, 2]] as [[Float]]) }
            expect(.invalidArgument) { try points.upsert([PointCollection.Point(6, vectors: [:])]) }
            expect(.invalidArgument) { try points.upsert([PointCollection.Point(6, vectors: ["a\0b": [1]])]) }
            try points.close()
        }
    }

    @Test("vectors are changed without the payload, all or none")
    func updated() throws {
        try withPackages { points in
            try points.updateVectors([1, 2], [[100, 0], [200, 0]] as [[Float]])
            #expect(try points.get(2, withVectors: true)?.vector == [200, 0])
            #expect(try points.get(2)?.payload(as: Package.self)?.size == 20)
            expect(.notFound) { try points.updateVectors([3, 77], [[0, 0], [0, 0]] as [[Float]]) }
            #expect(try points.get(3, withVectors: true)?.vector == [3, 0])
        }
    }

    @Test("points are removed by ids and by a filter")
    func removed() throws {
        try withPackages { points throws in
            #expect(try points.remove([1, 77, "a"]) == 1)
            #expect(try points.remove(filter: Field("section") == "net") == 4)
            #expect(try points.scroll().map(\.id) == [2, 4, 6, 8])
            #expect(try points.remove(filter: .all) == 4)
            #expect(try points.count() == 0)
        }
    }

    @Test("payloads are replaced, merged, and lose members")
    func payloads() throws {
        try withPackages { points throws in
            let small = Field("size") <= 20
            #expect(try points.mergePayload(Payload(json: #"{"size":1}"#), [1, 77]) == 1)
            #expect(try points.get(1)?.payload(as: Package.self) == Package(section: "net", size: 1, text: "a web server"))
            #expect(try points.deletePayloadKeys(["text", "none"], filter: small) == 2)
            #expect(try points.get(2)?.payload?.json == #"{"section":"doc","size":20}"#)
            #expect(try points.setPayload(Payload(json: "{}"), [2]) == 1)
            #expect(try points.get(2)?.payload?.json == "{}")
            #expect(try points.setPayload(nil, filter: small) == 1)
            #expect(try points.get(1)?.payload == nil)
            #expect(try points.mergePayload(Payload(json: #"{"a":1}"#), filter: .hasID([1])) == 1)
            #expect(try points.deletePayloadKeys(["size"], [3]) == 1)
            expect(.invalidArgument) { try points.setPayload(Payload(json: "[1]"), [1]) }
            expect(.invalidArgument) { try points.mergePayload(Payload(json: "{"), [1]) }
            expect(.invalidArgument) { try points.mergePayload(Payload(json: ""), filter: Field("") == 1) }
            #expect(try points.get(1)?.payload?.json == #"{"a":1}"#)
        }
    }

    @Test("a point that has ended is not found")
    func ended() throws {
        try withCollection { points in
            try points.upsert(
                [1, 2, 3, 4], [[1, 0], [2, 0], [3, 0], [4, 0]] as [[Float]],
                expires: [Date(timeIntervalSinceNow: -1), Date(timeIntervalSinceNow: 1000), nil, Date(timeIntervalSince1970: 0)])
            #expect(try points.search([1, 0] as [Float]).ids == [2, 3])
            #expect(try points.get(1) == nil)
            #expect(try points.get(3)?.expires == nil)
            for interval in [Double.infinity, .nan, 1e300] {
                let expires = [Date(timeIntervalSince1970: interval)]
                expect(.invalidArgument) { try points.upsert([5], [[1, 0]] as [[Float]], expires: expires) }
            }
        }
    }

    @Test("ids are numbers and texts, and not the same")
    func ids() throws {
        try withCollection { points in
            let uuid = UUID()
            let ids: [PointID] = [0, 7, PointID(.max - 1), "7", "é", "e\u{301}", PointID(uuid)]
            try points.upsert(ids, ids.map { _ in [1, 2] } as [[Float]])
            #expect(try points.count() == 7)
            #expect(Set(try points.scroll().map(\.id)) == Set(ids))
            #expect(ids[1].number == 7 && ids[1].text == nil && ids[3].text == "7" && ids[3].number == nil)
            #expect(ids[6].text == uuid.uuidString.lowercased())
            #expect("\(ids[1]) \(ids[3])" == "7 7")
            for bad in [PointID(.max), PointID(""), PointID("a\0b"), PointID(String(repeating: "x", count: 256))] {
                expect(.invalidArgument) { try points.upsert([bad], [[1, 2]] as [[Float]]) }
                #expect(try points.get(bad) == nil)
                #expect(try points.remove([bad]) == 0)
            }
        }
    }

    @Test("scrolling goes through all points, a page at a time")
    func scrolled() throws {
        try withPackages { points in
            try points.upsert(["b", "a"], [[1, 1], [2, 2]] as [[Float]])
            var ids: [PointID] = []
            var page = try points.scroll(limit: 4)
            while let last = page.last {
                ids += page.map(\.id)
                page = try points.scroll(after: last.id, limit: 4)
            }
            #expect(ids == [1, 2, 3, 4, 5, 6, 7, 8, 9, "a", "b"])
            #expect(try points.scroll(after: 3, limit: 2, filter: Field("section") == "doc").map(\.id) == [4, 6])
            for limit in [Int.min, -1, 0, 1_048_577, Int.max] {
                expect(.invalidArgument) { _ = try points.scroll(limit: limit) }
            }
        }
    }

    @Test("a batch that is not right is refused, and nothing of it is written")
    func refused() throws {
        try withCollection(metric: .cosine) { points throws in
            expect(.invalidArgument) { try points.upsert([1], [[1, 2], [3, 4]] as [[Float]]) }
            expect(.invalidArgument) { try points.upsert([1, 2], [[1, 2], [3]] as [[Float]]) }
            expect(.invalidArgument) { try points.upsert([1], .init(flat: [1, 2, 3] as [Float])) }
            expect(.invalidArgument) { try points.upsert([1, 2], .init([[1, 2], nil] as [[Float]?])) }
            expect(.invalidArgument) { try points.upsert([1], [[1, 2]] as [[Float]], payloads: []) }
            expect(.invalidArgument) { try points.upsert([1], [[1, 2]] as [[Float]], expires: [nil, nil]) }
            expect(.invalidArgument) { try points.upsert([1], [[1, 2]] as [[Float]], payloads: [Payload(json: "1")]) }
            expect(.unsupported) { try points.upsert([1], [[1, 2]] as [[Int8]]) }
            expect(.notFinite) { try points.upsert([1, 2], [[1, 2], [.nan, 1]] as [[Float]]) }
            expect(.zeroVector) { try points.upsert([1, 2], [[1, 2], [0, 0]] as [[Float]]) }
            expect(.invalidArgument) { try points.upsert([1], ["other": .init([[1, 2]] as [[Float]])]) }
            #expect(try points.count() == 0)
            let many = [PointID](repeating: 1, count: 1_048_577)
            expect(.tooLarge) { _ = try points.get(many) }
            expect(.tooLarge) { try points.remove(many) }
            expect(.tooLarge) { try points.setPayload(nil, many) }
            expect(.tooLarge) { try points.upsert(many, .init(flat: [Float](repeating: 1, count: 2 * many.count))) }
            expect(.tooLarge) { try points.updateVectors(many, ["": .init(flat: [Float](repeating: 1, count: 2 * many.count))]) }
        }
    }
}
