// What the library tells of itself. One at a time: there is one function for the whole process.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing
import VecIndex

@testable import VecCollection

@Suite(.serialized)
struct LogTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// What was told about the files of this test: others run beside it.
    private final class Heard: @unchecked Sendable {
        // Safety: touched under `lock`.
        private let lock = Lock()
        private let about: String
        private var lines: [(level: LogLevel, text: String)] = []

        init(_ about: String) { self.about = about }

        func hear(_ level: LogLevel, _ text: UnsafePointer<CChar>) {
            let line = String(cString: text)
            if line.contains(about) { lock.withLock { lines.append((level, line)) } }
        }

        var all: [(level: LogLevel, text: String)] { lock.withLock { lines } }

        func has(_ level: LogLevel, _ part: String) -> Bool { all.contains { $0.level == level && $0.text.contains(part) } }
    }

    private func listening(_ level: LogLevel = .debug, _ body: (Heard) throws -> Void) rethrows {
        let heard = Heard(directory.path(""))
        try alone {
            Log.shared.set({ heard.hear($0, $1) }, level)
            defer { Log.shared.set(nil, .info) }
            try body(heard)
        }
    }

    private func graph(_ path: String) throws -> PointCollection {
        let collection = try PointCollection.create(
            path, vectors: [VectorSettings(dimension: 2, metric: .l2Squared, kind: .hnsw)], CollectionOptions(durability: .none))
        try collection.put((0..<2500).map { .number($0) }, (0..<2500).map { [Float($0), 1] })
        return collection
    }

    @Test func savesAreTold() throws {
        let path = directory.path("points")
        try listening { heard in
            let collection = try graph(path)
            try collection.optimize()
            #expect(heard.has(.info, "saved the graph of the vector '': 2500 vectors"))
            try collection.snapshot(directory.path("copy"))
            #expect(heard.has(.info, "wrote a snapshot"))
            try collection.close()
        }
    }

    @Test func whatACrashHasLeftOverIsTold() throws {
        let path = directory.path("points")
        let collection = try graph(path)
        try collection.optimize()
        try collection.close()
        // Rows that nobody acknowledged, a graph that is half written, and one that is damaged.
        let rows = try directory.bytes("points/vectors-0.rows")
        try directory.write(rows + [UInt8](repeating: 7, count: 3 * 8), "points/vectors-0.rows")
        try directory.write([1, 2, 3], "points/graph-0-9-9.vecstore")
        let name = try #require(try fileNames(directory.path("points")).first { $0.hasPrefix("graph-") && $0 != "graph-0-9-9.vecstore" })
        var saved = try directory.bytes("points/\(name)")
        saved[20] ^= 0xff
        try directory.write(saved, "points/\(name)")
        try listening { heard in
            let reader = try PointCollection.open(path, CollectionOptions(isReadOnly: true))
            #expect(heard.has(.warning, "cannot be used, all points are compared instead"))
            try reader.close()
            let again = try PointCollection.open(path)
            #expect(heard.has(.warning, "the graph of the vector '' cannot be used, it is made again"))
            #expect(heard.has(.info, "3 rows of writes that were never acknowledged"))
            #expect(heard.has(.info, "removed 1 files that were not written"))
            #expect(heard.has(.debug, "opened for writing, 2500 points"))
            try again.close()
        }
    }

    @Test func slowCallsAreTold() throws {
        let collection = try PointCollection.create(directory.path("points"), vectors: [VectorSettings(dimension: 2)])
        try listening { heard in
            _ = try collection.count(where: nil)
            #expect(!heard.has(.warning, "count took"))
            Log.shared.setSlow(nanoseconds: 1)
            defer { Log.shared.setSlow(nanoseconds: .max) }
            _ = try collection.count(where: nil)
            #expect(heard.has(.warning, "points': count took 0."))
            _ = try? collection.count(where: Array("{".utf8))
            #expect(heard.has(.warning, "and ended with invalid_argument"))
        }
        try collection.close()
    }

    @Test func failuresInTheBackgroundAreToldOnceAndSoIsTheirEnd() throws {
        let collection = try PointCollection.create(directory.path("points"), vectors: [VectorSettings(dimension: 2)])
        // Its thread ends, so that nothing else is noted.
        try collection.close()
        let indexer = try #require(collection.indexer)
        listening { heard in
            for _ in 0..<3 {
                indexer.note(VecStoreError(.io, "no room"))
                indexer.tellMessages(collection)
            }
            #expect(heard.all.map(\.level) == [.error])
            #expect(heard.has(.error, "points': work in the background failed, and is tried again with the next write: no room"))
            indexer.note(nil)
            indexer.note(nil)
            indexer.tellMessages(collection)
            #expect(heard.all.map(\.level) == [.error, .info])
        }
    }

    @Test func linesThatAreSkippedAreTold() throws {
        let collection = try PointCollection.create(directory.path("points"), vectors: [VectorSettings(dimension: 2)])
        try directory.write(Array(String(repeating: "{}\n", count: 50).utf8), "lines")
        try listening { heard in
            var options = ImportOptions(), result = ImportResult()
            options.skipsBad = true
            try collection.importFile(directory.path("lines"), options, &result)
            #expect(result.skipped == 50)
            #expect(heard.has(.warning, "passed over line 1 of '"))
            #expect(heard.all.filter { $0.level == .warning }.count == 21)
        }
        try collection.close()
    }

    @Test func onlyTheLevelsThatWereAskedForAreTold() throws {
        try listening(.warning) { heard in
            Log.shared.tell(.info, directory.path(""))
            Log.shared.tell(.warning, directory.path("w\nx"))
            Log.shared.tell(.error, directory.path("e"))
            #expect(heard.all.map(\.level) == [.warning, .error])
            #expect(heard.all[0].text.hasSuffix("w x"))
        }
        alone { #expect(!Log.shared.isTold(.error)) }
    }

    @Test func aFunctionMayUseTheLibraryAndIsNotToldOfThat() throws {
        try alone { try aFunctionMayUseTheLibraryAndIsNotToldOfThatAlone() }
    }

    private func aFunctionMayUseTheLibraryAndIsNotToldOfThatAlone() throws {
        let path = directory.path("points")
        let collection = try graph(path)
        final class Calls: @unchecked Sendable {
            // Safety: touched under `lock`.
            private let lock = Lock()
            private var running: pthread_t?
            private var all = 0, nested = 0

            /// Whether this call is the first of all. The thread that indexes may save the graph too, and call meanwhile.
            func begin() -> Bool {
                lock.withLock {
                    all += 1
                    if let running, pthread_equal(running, pthread_self()) != 0 { nested += 1 }
                    if all == 1 { running = pthread_self() }
                    return all == 1
                }
            }
            func end() { lock.withLock { running = nil } }
            var count: (all: Int, nested: Int) { lock.withLock { (all, nested) } }
        }
        let calls = Calls()
        Log.shared.set(
            { _, text in
                let line = String(cString: text)
                guard line.contains(path) && line.contains("saved the graph"), calls.begin() else { return }
                defer { calls.end() }
                // Everything that may be told from here on would be told by this function again.
                _ = try? collection.count(where: nil)
                try? collection.put(9999, [1, 1])
                try? collection.optimize()
                Log.shared.tell(.error, "saved the graph of \(path) within")
            }, .debug)
        try collection.optimize()
        Log.shared.set(nil, .info)
        #expect(calls.count.all > 0)
        #expect(calls.count.nested == 0)
        #expect(try collection.count() == 2501)
        try collection.close()
    }

    @Test func aFunctionMayRemoveItself() {
        alone { aFunctionMayRemoveItselfAlone() }
    }

    private func aFunctionMayRemoveItselfAlone() {
        final class Counter: @unchecked Sendable { var calls = 0 }
        let counter = Counter()
        Log.shared.set(
            { _, text in
                guard String(cString: text) == "remove yourself" else { return }
                counter.calls += 1
                Log.shared.set(nil, .info)
            }, .error)
        Log.shared.tell(.error, "remove yourself")
        Log.shared.tell(.error, "remove yourself")
        #expect(counter.calls == 1)
    }

    @Test func noCallRunsAfterTheFunctionWasRemoved() throws {
        try alone { try noCallRunsAfterTheFunctionWasRemovedAlone() }
    }

    private func noCallRunsAfterTheFunctionWasRemovedAlone() throws {
        final class State: @unchecked Sendable {
            var isRemoved = false
            var late = 0
            var calls = 0
            let stop = Lock()
            var isOver = false
        }
        let state = State()
        var threads: [pthread_t] = []
        for _ in 0..<3 {
            var thread = pthread_t()
            let context = Unmanaged.passRetained(state).toOpaque()
            let result = pthread_create(
                &thread, nil,
                { context in
                    guard let context else { return nil }
                    let state = Unmanaged<State>.fromOpaque(context).takeRetainedValue()
                    while !state.stop.withLock({ state.isOver }) { Log.shared.tell(.error, "tick") }
                    return nil
                }, context)
            #expect(result == 0)
            threads.append(thread)
        }
        for _ in 0..<20 {
            state.stop.withLock { state.isRemoved = false }
            Log.shared.set(
                { _, text in
                    guard strcmp(text, "tick") == 0 else { return }
                    state.stop.withLock { state.calls += 1 }
                    usleep(500)
                    state.stop.withLock { if state.isRemoved { state.late += 1 } }
                }, .error)
            usleep(3000)
            Log.shared.set(nil, .error)
            state.stop.withLock { state.isRemoved = true }
            usleep(1000)
        }
        state.stop.withLock { state.isOver = true }
        for thread in threads { pthread_join(thread, nil) }
        #expect(state.calls > 0)
        #expect(state.late == 0)
    }
}
