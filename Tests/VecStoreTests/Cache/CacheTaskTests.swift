// A cache that tasks use: calls that wait do not keep tasks from going on.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecStore

@Suite("Cache and tasks in Swift")
struct CacheTaskTests {
    private struct Failure: Error {}

    @Test func callsReturnWhatTheyFindAndThrowWhatTheyThrow() async throws {
        let cache = try CachePlace(.memory).open()
        let response = try await cache.run { cache in
            try cache.set(prompt: "p", response: "r", vector: direction(0))
            return try cache.get(vector: direction(5))?.response
        }
        #expect(response == "r")
        await #expect(throws: VecStoreError.self) { try await cache.run { try $0.get(vector: [1]) } }
        await #expect(throws: Failure.self) { try await cache.run { _ in throw Failure() } }
    }

    /// Where some meet, and wait for each other.
    private final class Meeting: @unchecked Sendable {
        // Safety: `missing` is touched under `condition`.
        private let condition = NSCondition()
        private var missing: Int

        init(_ count: Int) { missing = count }

        /// Whether all have come in time.
        func arrive() -> Bool {
            condition.lock()
            defer { condition.unlock() }
            missing -= 1
            condition.broadcast()
            let end = Date().addingTimeInterval(120)
            while missing > 0 {
                if !condition.wait(until: end) { return false }
            }
            return true
        }
    }

    @Test func callsThatWaitLeaveTheThreadsOfTasksAlone() async throws {
        let cache = try CachePlace(.memory).open()
        // There are as many threads for tasks as processors: if calls waited there, some would never come.
        let count = ProcessInfo.processInfo.activeProcessorCount + 2
        let meeting = Meeting(count)
        let met = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<count { group.addTask { try await cache.run { _ in meeting.arrive() } } }
            return try await group.reduce(true) { $0 && $1 }
        }
        #expect(met)
    }

    @Test func moreCallsThanThreadsAreAllDone() async throws {
        let cache = try CachePlace(.memory).open()
        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for i in 0..<500 {
                group.addTask { try await cache.run { try $0.set(prompt: "\(i)", response: "", vector: direction(Double(i))) } }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(ids.count == 500)
        #expect(try cache.stats().entries == 500)
    }

    @Test func aTaskThatWasCancelledBeginsNothing() async throws {
        let cache = try CachePlace(.memory).open()
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await cache.run { try $0.set(prompt: "p", response: "", vector: direction(0)) }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try cache.stats().sets == 0)
    }

    @Test func callsThatAreOverDoNotKeepTheirCache() async throws {
        weak var gone: SemanticCache?
        do {
            let cache = try CachePlace(.memory).open()
            gone = cache
            for _ in 0..<5 { try await cache.run { try $0.set(prompt: "p", response: "", vector: direction(0)) } }
        }
        // The thread of the last call lets go of it a moment later.
        for _ in 0..<3000 where gone != nil { try await Task.sleep(for: .milliseconds(10)) }
        #expect(gone == nil)
    }

    @Test func aCacheMayGoInItsOwnCall() async throws {
        for _ in 0..<20 {
            let cache = try CachePlace(.memory).open()
            try await cache.run { try $0.set(prompt: "p", response: "", vector: direction(0)) }
        }
    }
}
