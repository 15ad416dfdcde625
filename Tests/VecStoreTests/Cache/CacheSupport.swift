// Caches for tests, in every kind of place where entries live.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecStore

/// Where the entries of a test live: what a cache does is the same everywhere.
enum Place: String, CaseIterable, Sendable {
    case memory, directory, redis
}

/// A place for one test, in which a cache can be opened again.
final class CachePlace {
    let url: String
    let namespace = "tests-\(UUID().uuidString)"
    private let directory: TemporaryDirectory

    /// Tests that leave it alone share one.
    private static let server = Result {
        let server = try RedisServer()
        atEnd { server.remove() }
        return server
    }

    init(_ place: Place) throws {
        directory = try TemporaryDirectory()
        switch place {
        case .memory: url = "memory:"
        case .directory: url = directory.path("cache")
        case .redis: url = try CachePlace.server.get().url
        }
    }

    func open(
        threshold: SemanticCache.Threshold = .similarity(0.85), ttl: Duration? = nil, options: SemanticCache.Options = .init(),
        encoder: (@Sendable ([String]) throws -> [[Float]])? = nil
    ) throws -> SemanticCache {
        try SemanticCache(
            url, namespace: namespace, dimension: 2, model: "m-1", threshold: threshold, ttl: ttl, options: options, encoder: encoder)
    }
}

/// Calls `body` with a new cache.
func withCache(
    _ place: Place = .memory, threshold: SemanticCache.Threshold = .similarity(0.85), ttl: Duration? = nil,
    options: SemanticCache.Options = .init(), _ body: (SemanticCache) throws -> Void
) throws {
    let home = try CachePlace(place)
    let cache = try home.open(threshold: threshold, ttl: ttl, options: options)
    try withExtendedLifetime(home) { try body(cache) }
    try cache.close()
}

/// A vector of two elements: the similarity of two is the cosine of the angle between them.
func direction(_ degrees: Double) -> [Float] { [Float(cos(degrees * .pi / 180)), Float(sin(degrees * .pi / 180))] }

/// Waits until something holds, for some seconds at most.
func eventually(_ what: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ holds: () throws -> Bool) throws {
    let end = Date().addingTimeInterval(10)
    while try !holds() {
        if Date() > end {
            Issue.record("not within 10 s: \(what)", sourceLocation: sourceLocation)
            return
        }
        usleep(2000)
    }
}
