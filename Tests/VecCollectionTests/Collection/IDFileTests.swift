// The file from which ids are read when a collection is opened: that it is used when it is of the state, and in no other case.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct IDFileTests {
    private let directory: TemporaryDirectory
    private let path: String
    private static let count = UInt64(DerivedFile.leastRows) + 500

    /// Points whose ids are numbers and strings; every third has one vector of the two. Some are removed, some have ended.
    init() throws {
        directory = try TemporaryDirectory()
        path = directory.path("points")
        let collection = try PointCollection.create(
            path, vectors: [VectorSettings(name: "a", dimension: 2, metric: .l2Squared), VectorSettings(name: "b", dimension: 2)],
            CollectionOptions(durability: .none))
        let ids = (0..<IDFileTests.count).map(IDFileTests.id)
        let rows: [Float] = ids.indices.flatMap { [Float($0), 1] }
        let present = ids.indices.map { UInt8($0 % 3 == 0 ? 0 : 1) }
        let ends = ids.indices.map { $0 % 100 == 50 ? Int64(1) : 0 }
        try rows.withUnsafeBytes { bytes in
            try present.withUnsafeBufferPointer { present in
                try ends.withUnsafeBufferPointer { ends in
                    let base = try #require(bytes.baseAddress)
                    try collection.upsert(
                        PointBatch(
                            ids: ids,
                            vectors: [
                                PointBatch.Vectors(name: "a", rows: base, type: .float32),
                                PointBatch.Vectors(name: "b", rows: base, type: .float32, present: present.baseAddress),
                            ], payloads: nil, expires: ends.baseAddress))
                }
            }
        }
        try collection.remove((100..<200).map(IDFileTests.id))
        // Points that have ended are hidden by then.
        _ = try collection.count()
        try collection.close()
    }

    private static func id(_ n: UInt64) -> PointID { n % 5 == 4 ? .text("point-\(n)") : .number(n * 3) }

    private func open(isReadOnly: Bool = false) throws -> PointCollection {
        try PointCollection.open(path, CollectionOptions(isReadOnly: isReadOnly, durability: .none))
    }

    private var fileNames: [String] { get throws { try VecCollection.fileNames(path).filter { IDFile.isOne($0) } } }

    /// Whether the ids came from a file, as a collection that is opened says.
    private func isUsed() throws -> Bool {
        try OpenedCollection(path, CollectionOptions(isReadOnly: true)).hasSavedIDs
    }

    private func check(_ collection: PointCollection, without gone: Set<UInt64> = []) throws {
        let there = (0..<IDFileTests.count).filter { !(100..<200).contains($0) && $0 % 100 != 50 && !gone.contains($0) }
        #expect(try collection.count() == there.count)
        #expect(collection.current.vectors[0].count == there.count)
        #expect(collection.current.vectors[1].count == there.filter { $0 % 3 != 0 }.count)
        for n in [0, 1, 4, 99, 200, 1204, IDFileTests.count - 1] where !gone.contains(n) {
            #expect(
                try collection.near([Float(n), 1], 1) {
                    $0.vectorName = "a"
                    $0.withPayload = false
                }.ids == [IDFileTests.id(n)])
        }
        try collection.verify()
    }

    @Test func whatWasClosedIsOpenedFromTheFile() throws {
        #expect(try fileNames.count == 1)
        #expect(try isUsed())
        try check(try open(isReadOnly: true))
        let collection = try open()
        try check(collection)
        // Ids that are there are found as such.
        #expect(collection.largestID == (0..<IDFileTests.count).filter { $0 % 5 != 4 }.map { $0 * 3 }.max())
        #expect(try collection.remove([IDFileTests.id(4), IDFileTests.id(IDFileTests.count - 1), .number(1)]) == 2)
    }

    @Test func aFileOfAnEarlierStateIsNotUsed() throws {
        do {
            let collection = try open()
            try collection.remove([IDFileTests.id(7)])
            #expect(try !isUsed())
            try check(try open(isReadOnly: true), without: [7])
            try collection.close()
        }
        #expect(try isUsed())
        #expect(try fileNames.count == 1)
        try check(try open(), without: [7])
    }

    @Test func closingWithoutAChangeLeavesTheFile() throws {
        let before = try fileNames
        try open().close()
        #expect(try fileNames == before)
    }

    @Test func aFileThatIsDamagedIsNotUsed() throws {
        let name = try #require(try fileNames.first)
        let bytes = try directory.bytes("points/\(name)")
        for place in [3, 9, 20, 30, 35, 45, 60, 66, 75, 122, 130, bytes.count / 2, bytes.count - 1] {
            var damaged = bytes
            damaged[place] ^= 4
            try directory.write(damaged, "points/\(name)")
            #expect(try !isUsed(), "byte \(place)")
            try check(try open(isReadOnly: true))
        }
        for length in [0, 100, 128, bytes.count - 8, bytes.count - 1] {
            try directory.write(Array(bytes.prefix(length)), "points/\(name)")
            #expect(try !isUsed(), "\(length) bytes")
            try check(try open(isReadOnly: true))
        }
        try directory.write(bytes + [0], "points/\(name)")
        #expect(try !isUsed())
        try directory.write(bytes, "points/\(name)")
        #expect(try isUsed())
    }

    @Test func aFileThatIsGoneIsNotNeeded() throws {
        for name in try fileNames { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }
        try check(try open())
    }

    @Test func aFileThatTheDatabaseDoesNotNameIsRemoved() throws {
        try directory.write([1, 2, 3], "points/points-17.ids")
        try open().close()
        #expect(try fileNames.count == 1)
        #expect(try isUsed())
    }

    @Test func optimizeAndCompactWriteOneToo() throws {
        let collection = try open()
        try collection.remove([IDFileTests.id(7)])
        try collection.optimize()
        #expect(try isUsed())
        try collection.compact()
        #expect(try isUsed())
        try check(collection, without: [7])
        try check(try open(isReadOnly: true), without: [7])
    }

    @Test func aCopyAsksTheDatabase() throws {
        let source = try open(isReadOnly: true)
        try source.snapshot(directory.path("copy"))
        #expect(try !VecCollection.fileNames(directory.path("copy")).contains { IDFile.isOne($0) })
        #expect(try !OpenedCollection(directory.path("copy"), CollectionOptions(isReadOnly: true)).hasSavedIDs)
        try check(try PointCollection.open(directory.path("copy"), CollectionOptions(durability: .none)))
    }
}
