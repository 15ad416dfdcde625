// The table of threads at the top of libvecstore.h, all of it at once: made to run under ThreadSanitizer.
// SPDX-License-Identifier: Apache-2.0

import CVecStore
import TestSupport
import Testing
import VecStoreABI

@Suite("Stress")
struct StressTests {
    /// What the writers do, so that a reader can tell from any answer whether the index was ever in that state.
    ///
    /// Rows come in batches of 8. A writer has two batches, a and b, and steps through versions: first a, then b goes from
    /// version v − 1 to v, each by one call. At versions divisible by 4 the batch is removed; the next version adds it anew,
    /// the others update it. So in every state each batch is there whole, at one version, or not at all; and a is at the
    /// version of b or one ahead.
    ///
    /// The version of a row is its element 1, its batch element 0: the squared distance to the batch's query is version².
    private enum Model {
        /// With the fillers, a search for all batches is work for several threads.
        static let dimension = 256
        static let batchRows = 8
        static let writers = 3
        static let batches = 2 * writers
        static let versions = 60
        static let fillers = 3000
        /// No row of another batch is nearer than this, squared.
        static let radius: Float = 1_000_000

        static func ids(_ batch: Int) -> [UInt64] { (0..<batchRows).map { UInt64(100 * batch + $0) } }

        static func vectors(_ batch: Int, version: Int) -> [Float] {
            var row = [Float](repeating: 0, count: dimension)
            row[0] = Float(batch * 4096)
            row[1] = Float(version)
            return (0..<batchRows).flatMap { _ in row }
        }

        /// One query for each batch: enough of them for tasks on several threads.
        static let queries: [Float] = (0..<batches).flatMap { Array(vectors($0, version: 0).prefix(dimension)) }

        /// Rows that nobody asks for, far from all batches.
        static func fillers(_ count: Int) -> [Float] { Array(manyFillers.prefix(count * dimension)) }

        private static let manyFillers: [Float] = {
            var elements: [Float] = []
            for i in 0..<fillers {
                elements.append(Float(-9000 - i % 100))
                for d in 1..<dimension { elements.append(Float((d * i) % 7)) }
            }
            return elements
        }()
    }

    /// The version of a batch that an answer shows; nil where it is not there.
    private typealias Seen = [Int?]

    /// What is wrong about the versions that one state shows.
    private static func contradictions(_ seen: Seen) -> [String] {
        (0..<Model.writers).compactMap { writer in
            let a = seen[2 * writer], b = seen[2 * writer + 1]
            let possible: Bool
            switch (a, b) {
            case (nil, nil): possible = true
            case (let a?, let b?): possible = a == b || a == b + 1
            // The version of the one that is not there is divisible by 4.
            case (nil, let b?): possible = (b + 1) % 4 == 0
            case (let a?, nil): possible = (a - 1) % 4 == 0
            }
            return possible ? nil : "batches of writer \(writer) at \(String(describing: a)), \(String(describing: b))"
        }
    }

    /// The versions that the results of a search for each batch show.
    private static func seen(_ results: [[CIndex.Result]], _ complain: (String) -> Void) -> Seen {
        results.enumerated().map { batch, results in
            let near = results.filter { $0.distance < Model.radius }
            if near.isEmpty { return nil }
            let version = Int(near[0].distance.squareRoot())
            if near.map(\.id) != Model.ids(batch) || near.contains(where: { $0.distance != Float(version * version) }) {
                complain("batch \(batch): \(near)")
            }
            return version
        }
    }

    @Test("readers see whole states, while writers change the index")
    func everything() throws {
        let index = try CIndex(dimension: Model.dimension)
        defer { index.free() }
        try index.add(Model.fillers(Model.fillers), ids: (0..<Model.fillers).map { UInt64(1_000_000 + $0) })
        let directory = try TemporaryDirectory()
        let complaints = Shared([String]())
        let path = directory.path()

        let writers = (0..<Model.writers).map { writer in { try StressTests.write(index, writer) } }
        let others: [() throws -> Void] = [
            { try StressTests.churn(index) },
            { try StressTests.rearrange(index) },
        ]
        let readers: [((@escaping (String) -> Void) throws -> Void)] = [
            { try StressTests.search(index, threads: 1, $0) },
            { try StressTests.search(index, threads: 2, $0) },
            { try StressTests.searchRange(index, $0) },
            { try StressTests.searchFiltered(index, $0) },
            { try StressTests.read(index, $0) },
            { try StressTests.list(index, $0) },
            { try StressTests.save(index, to: path, $0) },
            { try StressTests.fail(index, $0) },
        ]
        let work = Shared((writers + others).map { body in { (_: @escaping (String) -> Void) in try body() } } + readers)
        let bodies = work.current
        onThreads(bodies.count) { i in
            let complain = { (text: String) in complaints.change { $0.append(text) } }
            do {
                try work.current[i](complain)
            } catch {
                complain("\(error)")
            }
        }
        #expect(complaints.current == [])
        try index.verify()
        // All versions are done: divisible by 4, so the batches are gone.
        #expect(try index.count() == Model.fillers)
    }

    // MARK: - Writers

    private static func write(_ index: CIndex, _ writer: Int) throws {
        for version in 1...Model.versions {
            for batch in [2 * writer, 2 * writer + 1] {
                let ids = Model.ids(batch), vectors = Model.vectors(batch, version: version)
                switch version % 4 {
                case 0:
                    let removed = try index.remove(ids + [999_999])
                    if removed != ids.count { throw CError(status: -1, message: "\(removed) removed") }
                case 1: try index.add(vectors, ids: ids)
                default: try index.update(ids, vectors)
                }
            }
        }
    }

    /// Rows that come and go, with ids that the index assigns, so that it is rewritten by itself.
    private static func churn(_ index: CIndex) throws {
        for _ in 0..<15 {
            let ids = try index.add(Model.fillers(400))
            if Set(ids).count != 400 { throw CError(status: -1, message: "assigned ids come twice") }
            if try index.remove(ids) != 400 { throw CError(status: -1, message: "assigned ids are not there") }
        }
    }

    private static func rearrange(_ index: CIndex) throws {
        for round in 0..<15 {
            try index.reserve(UInt64(3000 + 100 * round))
            try index.compact()
        }
    }

    // MARK: - Readers

    private static func search(_ index: CIndex, threads: UInt32, _ complain: @escaping (String) -> Void) throws {
        for _ in 0..<60 {
            let results = try index.search(Model.queries, k: Model.batchRows, threads: threads)
            contradictions(seen(results, complain)).forEach(complain)
        }
    }

    private static func searchRange(_ index: CIndex, _ complain: @escaping (String) -> Void) throws {
        for _ in 0..<60 {
            let results = try index.searchRange(Model.queries, radius: Model.radius, threads: 2)
            contradictions(seen(results, complain)).forEach(complain)
        }
    }

    private static func searchFiltered(_ index: CIndex, _ complain: @escaping (String) -> Void) throws {
        let all = (0..<Model.batches).flatMap { Model.ids($0) }
        for _ in 0..<40 {
            let only = try index.search(Model.queries, k: Model.batchRows, threads: 2, only: all)
            contradictions(seen(only, complain)).forEach(complain)
            let others = try index.search(Model.queries, k: 4, threads: 2, only: all, negated: true)
            if others.contains(where: { $0.contains { $0.id < 1000 } }) { complain("a row that the filter keeps out") }
        }
    }

    /// get and contains: each call answers from one state.
    private static func read(_ index: CIndex, _ complain: @escaping (String) -> Void) throws {
        for round in 0..<200 {
            let a = 2 * (round % Model.writers)
            let ids = Model.ids(a) + Model.ids(a + 1)
            let found = try index.contains(ids)
            let halves = [Set(found.prefix(Model.batchRows)), Set(found.suffix(Model.batchRows))]
            if halves.contains(where: { $0.count != 1 }) { complain("half a batch is there") }
            do {
                let vectors = try index.get(ids)
                let versions = (0..<ids.count).map { Int(vectors[$0 * Model.dimension + 1]) }
                var seen = Seen(repeating: nil, count: Model.batches)
                seen[a] = versions[0]
                seen[a + 1] = versions[Model.batchRows]
                contradictions(seen).forEach(complain)
                if Set(versions.prefix(Model.batchRows)).count != 1 || Set(versions.suffix(Model.batchRows)).count != 1 {
                    complain("rows of one batch at versions \(versions)")
                }
            } catch let error as CError where error.status == vecstore_status(VECSTORE_ERR_NOT_FOUND) {}
        }
    }

    /// ids, count, stats and verify.
    private static func list(_ index: CIndex, _ complain: @escaping (String) -> Void) throws {
        for _ in 0..<30 {
            let ids = try index.ids(room: 10_000)
            if Set(ids).count != ids.count { complain("an id is listed twice") }
            if Set(ids).isSuperset(of: (0..<Model.fillers).map { UInt64(1_000_000 + $0) }) == false {
                complain("a row is gone that nobody removed")
            }
            for batch in 0..<Model.batches {
                let there = Set(ids).intersection(Model.ids(batch)).count
                if there != 0 && there != Model.batchRows { complain("\(there) rows of batch \(batch) are listed") }
            }
            let count = try index.count()
            if count < Model.fillers || count % Model.batchRows != 0 { complain("\(count) rows") }
            let stats = try index.stats()
            if stats.count % UInt64(Model.batchRows) != 0 || stats.memory_bytes < 3000 * 256 * 4 { complain("\(stats)") }
            try index.verify()
        }
    }

    /// What is saved beside writers is one state too.
    private static func save(_ index: CIndex, to path: String, _ complain: @escaping (String) -> Void) throws {
        for _ in 0..<15 {
            try index.save(path)
            let saved = try CIndex(loading: path, dimension: Model.dimension)
            defer { saved.free() }
            let results = try saved.search(Model.queries, k: Model.batchRows, threads: 1)
            contradictions(seen(results, complain)).forEach(complain)
        }
    }

    /// The message of an error belongs to the thread; stateless functions run beside everything.
    private static func fail(_ index: CIndex, _ complain: @escaping (String) -> Void) throws {
        for round in 0..<200 {
            do {
                _ = try index.get([UInt64(5_000_000 + round)])
                complain("a row that nobody added")
            } catch let error as CError {
                if !error.message.contains("\(5_000_000 + round)") { complain("the message of another: \(error.message)") }
            }
            var distance: Float = 0
            let a = [Float](repeating: 1, count: 32), b = [Float](repeating: Float(round), count: 32)
            let status = VecStoreABI.vecstore_distance(
                a, b, 32, vecstore_metric(VECSTORE_METRIC_L1), vecstore_dtype(VECSTORE_DTYPE_F32), &distance)
            if status != 0 || distance != abs(Float(32 * (round - 1))) { complain("distance \(distance)") }
        }
    }

    // MARK: - Free

    @Test("calls that run finish when an index is freed, and later ones are refused")
    func free() throws {
        let complaints = Shared([String]())
        for _ in 0..<20 {
            let index = try CIndex(dimension: Model.dimension)
            try index.add(Model.fillers(500))
            try index.add(Model.vectors(0, version: 3), ids: Model.ids(900_000 / 100))
            onThreads(6) { thread in
                if thread == 0 {
                    index.free()
                    index.free()
                    return
                }
                var isFreed = false
                for _ in 0..<30 {
                    do {
                        let results = thread % 2 == 0
                            ? try index.search(Model.queries, k: 5, threads: 2)
                            : try index.searchRange(Model.queries, radius: Model.radius, threads: 1)
                        if isFreed { complaints.change { $0.append("a search of an index that was freed") } }
                        if results[0].first?.distance != 9 { complaints.change { $0.append("\(results[0])") } }
                        if thread == 5 { try index.add(Model.fillers(1)) }
                    } catch let error as CError where error.status == vecstore_status(VECSTORE_ERR_INVALID_HANDLE) {
                        isFreed = true
                    } catch {
                        complaints.change { $0.append("\(error)") }
                    }
                }
            }
        }
        #expect(complaints.current == [])
    }
}
