// Caches of values for tests, in every kind of place.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import TestSupport
import VecIndex

@testable import VecCache

enum ValuePlace: String, CaseIterable, Sendable {
    case memory, directory, redis
}

/// A cache with what it needs to be opened again.
final class TestValues {
    private(set) var cache: ValueCache
    let directory: TemporaryDirectory
    let url: String
    let options: ValueCacheOptions
    private let place: ValuePlace
    private let clock = TestClock()

    private static let server = Result {
        let server = try RedisServer()
        atEnd { server.remove() }
        return server
    }
    private static let number = Atomic<Int>(0)

    init(_ place: ValuePlace, namespace: String? = nil, _ change: (inout ValueCacheOptions) -> Void = { _ in }) throws {
        self.place = place
        directory = try TemporaryDirectory()
        // The tests share a server.
        let number = TestValues.number.add(1, ordering: .relaxed).newValue
        var options = ValueCacheOptions(namespace: namespace ?? "test-\(number)")
        options.redis = .hasty
        change(&options)
        self.options = options
        switch place {
        case .memory: url = "memory:"
        case .directory: url = directory.path("values")
        case .redis: url = try TestValues.server.get().url
        }
        let clock = clock
        cache = try ValueCache.open(url, options, clock: { clock.now })
    }

    deinit { try? cache.close() }

    /// Lets time pass: Redis has a clock of its own.
    func pass(_ milliseconds: Int64) {
        clock.pass(milliseconds)
        if place == .redis { usleep(UInt32(milliseconds) * 1000) }
    }

    /// Another cache over the same values.
    func another(_ change: (inout ValueCacheOptions) -> Void = { _ in }) throws -> ValueCache {
        var options = options
        change(&options)
        let clock = clock
        return try ValueCache.open(url, options, clock: { clock.now })
    }

    func reopen() throws {
        try cache.close()
        cache = try another()
    }
}

// In few words.
extension ValueCache {
    func text(_ key: String) throws -> String? { try get(bytes(key)).map { String(decoding: $0, as: UTF8.self) } }

    func texts(_ keys: [String]) throws -> [String?] {
        try get(keys.map { bytes($0) }).map { $0.map { String(decoding: $0, as: UTF8.self) } }
    }

    func put(_ key: String, _ value: String, ttl: TimeToLive = .standard) throws {
        try set(bytes(key), bytes(value), ttl: ttl)
    }
}
