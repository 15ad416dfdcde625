// Caches for tests, in every kind of place, and what is asked of them in few words.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import TestSupport
import VecIndex

@testable import VecCache

/// Where the entries of a test live: what a cache does is the same everywhere.
enum Place: String, CaseIterable, Sendable {
    case memory, directory, redis

    /// Whether entries are there after the cache was closed.
    var isDurable: Bool { self != .memory }
}

/// One server for all tests whose cache lives in Redis without asking for more: each has a namespace of its own.
enum SharedRedis {
    static let server = Result {
        let server = try RedisServer()
        atEnd { server.remove() }
        return server
    }
    private static let namespaces = Atomic<Int>(0)

    static func namespace() -> String { "test-\(namespaces.add(1, ordering: .relaxed).newValue)" }
}

/// Time that passes when the test says so. It is ahead of the server's, so that entries end when the test says so there, too.
final class TestClock: Sendable {
    private let time = Atomic<Int64>(wallClock() + 86_400_000)

    var now: Int64 { time.load(ordering: .relaxed) }
    func pass(_ milliseconds: Int64) { time.add(milliseconds, ordering: .relaxed) }
}

/// A cache with what it needs to be opened again.
final class TestCache {
    private(set) var cache: SemanticCache
    let clock = TestClock()
    let directory: TemporaryDirectory
    private let url: String
    private let options: CacheOptions

    init(_ place: Place = .memory, dimension: Int = 2, _ change: (inout CacheOptions) -> Void = { _ in }) throws {
        directory = try TemporaryDirectory()
        var options = CacheOptions(namespace: place == .redis ? SharedRedis.namespace() : "test", dimension: dimension)
        change(&options)
        self.options = options
        url =
            switch place {
            case .memory: "memory:"
            case .directory: directory.path("cache")
            case .redis: try SharedRedis.server.get().url
            }
        let clock = clock
        cache = try SemanticCache.open(url, options, clock: { clock.now })
    }

    deinit { try? cache.close() }

    /// Closes the cache, and opens what is left of it.
    func reopen(_ change: (inout CacheOptions) -> Void = { _ in }) throws {
        try cache.close()
        var options = options
        change(&options)
        let clock = clock
        cache = try SemanticCache.open(url, options, clock: { clock.now })
    }

    // MARK: - In few words

    @discardableResult
    func set(
        _ prompt: String, _ response: String = "", at degrees: Double, metadata: String = "", ttl: TimeToLive = .standard, cost: Float = 1
    ) throws -> EntryID {
        try cache.set(
            prompt: Array(prompt.utf8), response: Array((response.isEmpty ? "response to \(prompt)" : response).utf8),
            vector: direction(degrees), metadata: Array(metadata.utf8), ttl: ttl, cost: cost)
    }

    /// The response to a prompt, or to the one in its direction.
    func get(
        _ prompt: String? = nil, at degrees: Double? = nil, threshold: Float? = nil, filter: String? = nil,
        tiers: CacheQuery.Tiers = .all
    ) throws -> String? {
        try hit(prompt, at: degrees, threshold: threshold, filter: filter, tiers: tiers).map { String(decoding: $0.response, as: UTF8.self) }
    }

    func hit(
        _ prompt: String? = nil, at degrees: Double? = nil, threshold: Float? = nil, filter: String? = nil,
        tiers: CacheQuery.Tiers = .all
    ) throws -> CacheHit? {
        try cache.get(
            prompt: prompt.map { Array($0.utf8) }, vector: degrees.map { direction($0) },
            CacheQuery(threshold: threshold, filter: filter.map { Array($0.utf8) }, tiers: tiers))
    }

    var count: Int { get throws { try cache.stats().entries } }
}

/// A vector of two elements: the similarity of two is the cosine of the angle between them.
func direction(_ degrees: Double) -> [Float] { [Float(cos(degrees * .pi / 180)), Float(sin(degrees * .pi / 180))] }

/// A filter for one value.
func match(_ key: String, _ value: String) -> String { #"{"must":[{"key":"\#(key)","match":{"value":"\#(value)"}}]}"# }

/// The error that `body` ends with.
func failure(_ body: () throws -> Void) -> VecStoreError? {
    do {
        try body()
        return nil
    } catch {
        return error as? VecStoreError
    }
}
