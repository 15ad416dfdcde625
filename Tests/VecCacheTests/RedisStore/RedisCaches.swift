// Caches of one namespace in a real Redis, as several processes would have them.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import VecIndex

@testable import VecCache

enum RedisCaches {
    static let dimension = 8

    static func options(_ namespace: String = "tests") -> CacheOptions {
        CacheOptions(namespace: namespace, dimension: dimension, model: "m-1", ttl: 3_600_000)
    }

    /// Answers soon whatever happens.
    static func redis() -> RedisOptions {
        var options = RedisOptions()
        options.connectTimeout = 500
        options.commandTimeout = 500
        options.maxBackoff = 100
        options.openTime = 100
        options.maxOpenTime = 200
        return options
    }

    static func settings() -> RedisNamespaceSettings {
        var settings = RedisNamespaceSettings()
        settings.idleCheck = 100
        return settings
    }

    static func open(
        _ url: String, _ options: CacheOptions = options(), _ settings: RedisNamespaceSettings = settings()
    ) throws -> SemanticCache {
        var options = options
        options.redis = redis()
        options.sharing = settings
        return try SemanticCache.open(url, options)
    }

    /// A vector that is nearest to those of numbers close by.
    static func vector(_ n: Int) -> [Float] {
        var random = Random(seed: UInt64(n) + 1)
        return random.vector(dimension)
    }

    /// Waits until something holds, for some seconds at most.
    static func eventually(
        _ what: Comment, within seconds: Double = 5, sourceLocation: SourceLocation = #_sourceLocation, _ holds: () throws -> Bool
    ) throws {
        let end = Date().addingTimeInterval(seconds)
        while try !holds() {
            if Date() > end {
                Issue.record("not within \(seconds) s: \(what)", sourceLocation: sourceLocation)
                return
            }
            usleep(2000)
        }
    }
}

extension SemanticCache {
    /// Sets an entry of a number.
    @discardableResult
    func put(_ n: Int, _ response: String? = nil, metadata: String = "", ttl: TimeToLive = .standard) throws -> EntryID {
        try set(
            prompt: Array("prompt \(n)".utf8), response: Array((response ?? "response \(n)").utf8), vector: RedisCaches.vector(n),
            metadata: Array(metadata.utf8), ttl: ttl)
    }

    /// The response to the prompt of a number, word for word; nil: a miss.
    func response(_ n: Int) throws -> String? {
        try get(prompt: Array("prompt \(n)".utf8)).map { String(decoding: $0.response, as: UTF8.self) }
    }

    /// The response to a vector like that of a number; nil: a miss.
    func responseToVector(_ n: Int) throws -> String? {
        try get(vector: RedisCaches.vector(n), CacheQuery(threshold: 0.999)).map { String(decoding: $0.response, as: UTF8.self) }
    }

    var entries: Int { get throws { try stats().entries } }
}

extension RedisServer {
    /// Waits until so many caches listen: what they ask before that they ask whenever they get to it.
    func waitForListeners(_ count: Int) throws {
        try RedisCaches.eventually("\(count) listen") { try cli("info", "clients").contains("blocked_clients:\(count)") }
    }

    /// Commands that were sent so far, but for those that ask for this and those by which caches listen.
    func commandCounts() throws -> [String: Int] {
        let ignored = ["cmdstat_info", "cmdstat_xread"]
        var counts: [String: Int] = [:]
        for line in try cli("info", "commandstats").split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":")
            guard parts.count == 2, !ignored.contains(String(parts[0])) else { continue }
            counts[String(parts[0])] = parts[1].split(separator: ",").first?.split(separator: "=").last.flatMap { Int($0) }
        }
        return counts
    }
}
