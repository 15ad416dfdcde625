// Making, opening and keeping collections, as a Swift program does it.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecStore

@Suite("Collections in Swift")
struct CollectionTests {
    @Test("a collection is made, closed and opened again with what was written")
    func opened() throws {
        try withDirectory { path in
            let made = try PointCollection(creating: path, dimension: 2, metric: .l2Squared, durability: .normal)
            #expect(!made.isReadOnly && made.path == path)
            try made.upsert([PointCollection.Point(1, [1, 2], payload: Payload(json: #"{"a":1}"#))])
            try made.close()
            try made.close()
            let opened = try PointCollection(opening: path)
            #expect(try opened.get(1, withVectors: true) == PointCollection.Point(1, [1, 2], payload: Payload(json: #"{"a":1}"#)))
        }
    }

    @Test("a collection that nobody holds any more is closed")
    func released() throws {
        try withDirectory { path in
            do { _ = try PointCollection(creating: path, dimension: 2) }
            #expect(try PointCollection(opening: path).count() == 0)
        }
    }

    @Test("calls to a closed collection are refused")
    func closed() throws {
        try withDirectory { path in
            let points = try PointCollection(creating: path, dimension: 2)
            try points.close()
            expect(.invalidHandle) { _ = try points.count() }
            expect(.invalidHandle) { try points.upsert([1], [[1, 2]] as [[Float]]) }
            expect(.invalidHandle) { _ = try points.search([1, 2] as [Float]) }
            expect(.invalidHandle) { _ = try points.describe() }
        }
    }

    @Test("the options of vectors are stored")
    func options() throws {
        try withDirectory { path in
            let title = PointCollection.VectorOptions(
                name: "title", dimension: 3, metric: .innerProduct, elementType: .float16, kind: .hnsw, storage: .int8, m: 8,
                efConstruction: 50, model: "a model", modelVersion: "2")
            let body = PointCollection.VectorOptions(name: "body", dimension: 5, kind: .flat)
            let made = try PointCollection(creating: path, vectors: [title, body])
            #expect(made.vectors == [title, body])
            try made.close()
            #expect(try PointCollection(opening: path, readOnly: true).vectors == [title, body])
        }
    }

    @Test("a collection is open for writing once, for reading as often as one likes")
    func locked() throws {
        try withDirectory { path in
            let writer = try PointCollection(creating: path, dimension: 2)
            expect(.locked) { _ = try PointCollection(opening: path) }
            let reader = try PointCollection(opening: path, readOnly: true)
            #expect(reader.isReadOnly)
            expect(.readOnly) { try reader.upsert([1], [[1, 2]] as [[Float]]) }
            expect(.readOnly) { try reader.optimize() }
            try writer.close()
        }
    }

    @Test("a reader sees one moment until it refreshes")
    func refreshed() throws {
        try withDirectory { path in
            let writer = try PointCollection(creating: path, dimension: 2)
            let reader = try PointCollection(opening: path, readOnly: true)
            try writer.upsert([1], [[1, 2]] as [[Float]])
            #expect(try reader.count() == 0)
            #expect(try reader.refresh())
            #expect(try reader.count() == 1)
            #expect(try !reader.refresh() && !writer.refresh())
            try reader.close()
            try writer.close()
        }
    }

    @Test("what cannot be made or opened is refused")
    func refused() throws {
        try withDirectory { path in
            for dimension in [Int.min, -1, 0, 65_537, Int.max] {
                expect(.invalidArgument) { _ = try PointCollection(creating: path, dimension: dimension) }
            }
            expect(.unsupported) { _ = try PointCollection(creating: path, dimension: 2, metric: .hamming) }
            for threads in [Int.min, -1, 1025] {
                expect(.invalidArgument) { _ = try PointCollection(creating: path, dimension: 2, indexThreads: threads) }
            }
            for bad in ["", "a\0b"] {
                expect(.invalidArgument) { _ = try PointCollection(creating: bad, dimension: 2) }
                expect(.invalidArgument) { _ = try PointCollection(opening: bad) }
                expect(.invalidArgument) { try PointCollection.restore(bad, to: path) }
            }
            expect(.invalidArgument) { _ = try PointCollection(creating: path, vectors: []) }
            let unnamed = PointCollection.VectorOptions(dimension: 2)
            expect(.invalidArgument) { _ = try PointCollection(creating: path, vectors: [unnamed, unnamed]) }
            var options = unnamed
            options.storage = .pq
            expect(.unsupported) { _ = try PointCollection(creating: path, vectors: [options]) }
            options = unnamed
            options.elementType = .int8
            expect(.unsupported) { _ = try PointCollection(creating: path, vectors: [options]) }
            options = unnamed
            options.m = -1
            expect(.invalidArgument) { _ = try PointCollection(creating: path, vectors: [options]) }
            options = unnamed
            options.model = "a\nb"
            expect(.invalidArgument) { _ = try PointCollection(creating: path, vectors: [options]) }
            expect(.notFound) { _ = try PointCollection(opening: path) }
            expect(.notFound) { _ = try PointCollection(creating: path + "/deeper", dimension: 2) }
            try PointCollection(creating: path, dimension: 2).close()
            expect(.alreadyExists) { _ = try PointCollection(creating: path, dimension: 2) }
        }
    }

    @Test("a description says what there is")
    func described() throws {
        try withPackages { points in
            try points.remove([9])
            let description = try points.describe()
            #expect(description.count == 8 && description.rows == 9 && description.waiting == 0)
            #expect(description.diskBytes > 0 && description.memoryBytes > 0 && description.indexError.isEmpty)
            #expect(description.vectors.map(\.count) == [8] && description.vectors[0].name == "")
            #expect(description.json.contains(#""count":8"#))
        }
    }

    @Test("a description says where memory goes")
    func memoryDescribed() throws {
        try withPackages { points in
            _ = try points.count(filter: Field("section") == "net")
            let description = try points.describe()
            #expect(description.memory["ids"] ?? 0 > 0 && description.memory["filter_cache"] ?? 0 > 0)
            #expect(description.memory["dead_rows"] == 0 && description.memory["graphs"] == 0)
            #expect(description.memory.values.reduce(0, +) == description.memoryBytes)
            #expect(description.memoryMode == .mapped && description.memoryBudget == nil)
            #expect(description.residentBytes.graphs == 0)
            _ = try points.search([1, 0] as [Float])
            #expect(try points.describe().residentBytes.vectors > 0)
            try points.close()
            for mode in PointCollection.Memory.allCases {
                let opened = try PointCollection(opening: points.path, memory: mode, memoryBudget: 1 << 30)
                let description = try opened.describe()
                #expect(description.memoryMode == mode && description.memoryBudget == 1 << 30)
                try opened.close()
            }
        }
    }

    @Test("a graph is made by optimize")
    func optimized() throws {
        try withDirectory { path in
            let points = try PointCollection(creating: path, vectors: [.init(dimension: 8, kind: .hnsw)], durability: .none)
            var random = Random(seed: 1)
            let vectors = (0..<2500).map { _ in random.vector(8) }
            try points.upsert((0..<2500).map { PointID(UInt64($0)) }, vectors)
            try points.optimize { done, total in
                #expect(done <= total)
                return true
            }
            let description = try points.describe()
            #expect(description.vectors[0].indexed == 2500 && description.vectors[0].graphBytes > 0)
            #expect(try points.search(vectors[7], k: 1, options: .init(efSearch: 100)).ids == [7])
            let exact = try points.search(vectors[7], k: 10, options: .init(exact: true))
            #expect(exact.count == 10 && exact[0].id == 7)
            try points.close()
        }
    }

    @Test("a snapshot is a collection, and is restored after a check")
    func snapshot() throws {
        try withPackages { points in
            let copy = points.path + "-copy", restored = points.path + "-restored"
            var told = 0
            try points.snapshot(to: copy) { _, _ in
                told += 1
                return true
            }
            #expect(told > 0)
            try points.remove([1])
            try PointCollection.restore(copy, to: restored)
            let opened = try PointCollection(opening: restored)
            #expect(try opened.count() == 9)
            try opened.verify()
            try opened.close()
            expect(.alreadyExists) { try points.snapshot(to: copy) }
            expect(.cancelled) { try points.snapshot(to: copy + "2") { _, _ in false } }
        }
    }

    @Test("compacting gives back what was removed")
    func compact() throws {
        try withPackages { points in
            try points.remove([1])
            expect(.cancelled) { try points.compact { _, _ in false } }
            let compaction = try points.compact()
            #expect(compaction.bytesAfter == (try points.describe().diskBytes) && compaction.bytesBefore > 0)
            #expect(try points.describe().rows == 8)
            try points.verify()
            #expect(try points.repair().isEmpty)
        }
    }

    @Test("repair tells of points that are lost")
    func repair() throws {
        try withPackages { points in
            try points.close()
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: points.path + "/vectors-0.rows"))
            try file.seek(toOffset: 4096)
            try file.write(contentsOf: Data([1, 2, 3]))
            try file.close()
            let opened = try PointCollection(opening: points.path)
            let damages = try opened.repair()
            #expect(damages.map(\.part) == [.point] && !damages[0].isRepaired)
        }
    }

    @Test("memory can be chosen and limited", arguments: PointCollection.Memory.allCases)
    func memory(_ memory: PointCollection.Memory) throws {
        try withPackages { points in
            let path = points.path
            try points.close()
            let opened = try PointCollection(opening: path, memory: memory, memoryBudget: 1 << 20)
            #expect(try opened.count() == 9)
            expect(.outOfMemory) {
                try opened.upsert((0..<200_000).map { PointID(UInt64($0)) }, [[Float]](repeating: [1, 2], count: 200_000))
            }
            #expect(try opened.count() == 9)
            expect(.invalidArgument) { try PointCollection(opening: path, readOnly: true, memoryBudget: 0) }
        }
    }

    @Test("verify tells of damage")
    func damaged() throws {
        try withPackages { points in
            try points.verify()
            try points.close()
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: points.path + "/vectors-0.rows"))
            try file.seek(toOffset: 4096)
            try file.write(contentsOf: Data([1, 2, 3]))
            try file.close()
            let opened = try PointCollection(opening: points.path, readOnly: true)
            expect(.corrupt) { try opened.verify() }
        }
    }

    @Test("searches and writes on many threads see whole batches")
    func threads() async throws {
        let directory = try TemporaryDirectory()
        let points = try PointCollection(creating: directory.path("points"), dimension: 2, durability: .none)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<2 {
                group.addTask {
                    for round in 0..<20 {
                        let ids = (0..<10).map { PointID(UInt64(100 * writer + $0)) }
                        try points.upsert(
                            ids, [[Float]](repeating: [1, Float(round)], count: 10),
                            payloads: [Payload](repeating: Payload(json: #"{"round":\#(round),"writer":\#(writer)}"#), count: 10))
                    }
                }
                group.addTask {
                    for _ in 0..<50 {
                        let hits = try points.search([1, 0] as [Float], k: 30, options: .init(threads: 1))
                        for writer in 0..<2 {
                            let own = hits.filter { $0.payload?.json.contains(#""writer":\#(writer)"#) ?? false }
                            #expect(Set(own.map(\.payload)).count <= 1 && [0, 10].contains(own.count))
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try points.count() == 20)
        try points.close()
        withExtendedLifetime(directory) {}
    }
}
