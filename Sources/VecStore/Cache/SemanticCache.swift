// SPDX-License-Identifier: Apache-2.0

import VecCache

/// Responses to prompts, found again for the same prompt, and for prompts that mean the same: those whose vectors have a cosine
/// similarity of at least a threshold.
///
///     let cache = try SemanticCache("redis://localhost", namespace: "support-bot", dimension: 384, model: "all-MiniLM-L6-v2")
///     if let hit = try cache.get(prompt: prompt, vector: vector) { return hit.response }
///     let response = try ask(prompt)
///     try cache.set(prompt: prompt, response: response, vector: vector, ttl: .seconds(3600))
///
/// Entries live in this process, in a directory, or in a plain Redis, which processes share. Each process has the vectors and prompts
/// of all entries in an index of its own, so a miss asks nobody. A hit asks Redis once, for the response.
///
/// **Threads.** Any method may be called from any thread. Lookups run beside each other and beside writes; what a call has written
/// the next call finds. Calls block their thread: for microseconds where nobody is asked, for a round trip where Redis is, for
/// `RedisOptions.commandTimeout` where it does not answer. From a task call them within `run`.
///
/// **Processes.** A directory is open in one process at a time. A child of `fork` cannot use a cache of its parent
/// (`.invalidHandle`): it opens it for itself.
public final class SemanticCache: Sendable {
    let core: VecCache.SemanticCache
    let encoder: PromptEncoder?
    let threads = CallThreads()

    // MARK: - Beginning and end

    /// Opens a cache, and reads the entries that are there.
    /// - Parameters:
    ///   - url: Where entries live: "memory:", the path of a directory, which is made where it does not exist, or a Redis,
    ///     `redis://[user[:password]@]host[:port][/db]`, `rediss://` (with TLS), `unix:///path`. nil: the Redis that the environment
    ///     says (`REDIS_URL`, or `REDIS_HOST`, `REDIS_PORT` and so on), or else that of this machine.
    ///   - namespace: Part of every key: caches of different namespaces know nothing of each other. 1 to 128 bytes without spaces,
    ///     braces and control characters.
    ///   - dimension: Elements of a vector: 1 to 65,536.
    ///   - model: That makes the vectors; "": not said. Entries of another one are refused.
    ///   - threshold: How near the vector of a hit is at least, where a lookup does not say.
    ///   - ttl: How long entries live that do not say it, by milliseconds; nil: for ever.
    ///   - options: All else.
    ///   - encoder: Makes a vector of each text, where calls give none. It is called on the thread of the call, with all texts that
    ///     this needs. What it throws ends the call: a `VecStoreError` as it is, anything else as `.cancelled` with its text in
    ///     the message.
    /// - Throws: `.invalidArgument`, also for a namespace whose entries have another dimension or model; `.unavailable`, only with
    ///   `Options.failsClosed`; `.locked` (a directory that is open already), `.unsupported` (rights, TLS), `.io`, `.corrupt`,
    ///   `.newerVersion`, `.outOfMemory`.
    /// - Complexity: O(entries): of 100,000 in a Redis on the same machine some 2 seconds.
    public init(
        _ url: String? = nil, namespace: String, dimension: Int, model: String = "", threshold: Threshold = .similarity(0.85),
        ttl: Duration? = nil, options: Options = Options(), encoder: (@Sendable ([String]) throws -> [[Float]])? = nil
    ) throws(VecStoreError) {
        core = try rethrow { () throws(CoreError) in
            var settings = options.internalValue
            settings.namespace = namespace
            settings.dimension = dimension
            settings.model = model
            settings.similarityThreshold = try threshold.checkedSimilarity
            settings.ttl = ttl?.milliseconds
            return try VecCache.SemanticCache.open(url, settings)
        }
        self.encoder = encoder.map { PromptEncoder(encode: $0) }
    }

    /// Writes what waits for Redis, for as long as the time-out of a command lets it, and lets go of the cache. Entries in a
    /// directory and in Redis stay. Later calls throw `.invalidHandle`; closing twice does nothing.
    /// - Throws: `.io`; `.unavailable` where changes were lost. It is closed after an error too.
    public func close() throws(VecStoreError) {
        try rethrow { () throws(CoreError) in try core.close() }
    }

    // MARK: - What it is

    public var namespace: String { core.options.namespace }
    /// Elements of a vector.
    public var dimension: Int { core.options.dimension }
    /// "": it was not said.
    public var model: String { core.options.model }
    /// How long entries live that do not say it; nil: for ever.
    public var ttl: Duration? { core.options.ttl.map { .milliseconds($0) } }
    /// How near the vector of a hit is at least, where a lookup does not say.
    public var threshold: Threshold { .similarity(core.options.similarityThreshold) }
}
