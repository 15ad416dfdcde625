// SPDX-License-Identifier: Apache-2.0

import VecCache

/// Bytes by exact keys, each with an end: in this process, in a directory, or in a Redis that processes share.
///
///     let pages = try ValueCache("redis://localhost", namespace: "pages", ttl: .seconds(60))
///     try pages.set(url, html)
///     if let html = try pages.get(url, as: String.self) { return html }
///
/// Keys and values are text or bytes (`ByteValue`). A key has 1 byte to 1 MiB, a value up to 64 MiB; an empty value is a value.
///
/// **Threads.** Any method may be called from any thread; what a call has written the next call finds. Calls block their thread: for
/// a round trip where Redis is asked, for `RedisOptions.commandTimeout` where it does not answer. From a task call them within `run`.
///
/// **Processes.** Any number share a directory or a Redis. A child of `fork` cannot use a cache of its parent (`.invalidHandle`): it
/// opens it for itself.
public final class ValueCache: Sendable {
    let core: VecCache.ValueCache
    private let threads = CallThreads()

    // MARK: - Beginning and end

    /// Opens a cache.
    /// - Parameters:
    ///   - url: Where values live: "memory:", the path of a directory, which is made where it does not exist, or a Redis, as for
    ///     `SemanticCache`. nil: the Redis that the environment says, or else that of this machine.
    ///   - namespace: Part of every key: caches of different namespaces know nothing of each other. 1 to 128 bytes without spaces,
    ///     braces and control characters.
    ///   - ttl: How long values live that do not say it, by milliseconds; nil: for ever.
    ///   - options: All else.
    /// - Throws: `.invalidArgument`; `.unavailable`, only with `Options.failsClosed`; `.locked`, `.unsupported` (rights, TLS), `.io`,
    ///   `.corrupt`, `.newerVersion`, `.outOfMemory`.
    public init(
        _ url: String? = nil, namespace: String, ttl: Duration? = nil, options: Options = Options()
    ) throws(VecStoreError) {
        core = try rethrow { () throws(CoreError) in
            var settings = options.internalValue
            settings.namespace = namespace
            settings.ttl = ttl?.milliseconds
            return try VecCache.ValueCache.open(url, settings)
        }
    }

    /// Lets go of the cache. Values in a directory and in Redis stay. Later calls throw `.invalidHandle`; closing twice does nothing.
    /// - Throws: `.io`. It is closed after an error too.
    public func close() throws(VecStoreError) {
        try rethrow { () throws(CoreError) in try core.close() }
    }

    /// Does calls of this cache for a task, on a thread of the cache's own; see `SemanticCache.run`.
    @discardableResult
    public func run<Result: Sendable>(_ body: @escaping @Sendable (ValueCache) throws -> Result) async throws -> Result {
        try await threads.call { try body(self) }
    }

    public var namespace: String { core.options.namespace }

    // MARK: - Reading

    /// The value of a key; nil: there is none. So it is while Redis does not answer, unless the cache fails closed; `stats` and
    /// `health` tell of it.
    /// - Throws: `.invalidArgument`, `.tooLarge`, `.invalidHandle`, `.io`, `.locked`, `.outOfMemory`; with `Options.failsClosed` also
    ///   `.unavailable`.
    public func get(_ key: some ByteValue) throws(VecStoreError) -> [UInt8]? {
        try rethrow { () throws(CoreError) in try core.get(key.cacheBytes) }
    }

    /// The same as text, or as what else it may be.
    public func get<Value: ByteValue>(_ key: some ByteValue, as type: Value.Type) throws(VecStoreError) -> Value? {
        try get(key).map { Value(cacheBytes: $0) }
    }

    /// The values of keys in their order, with nil for those that have none. Of Redis all come with one round trip.
    /// - Parameter keys: Up to 1,048,576.
    /// - Throws: As for one; the message says which key.
    public func get(_ keys: [some ByteValue]) throws(VecStoreError) -> [[UInt8]?] {
        try rethrow { () throws(CoreError) in try core.get(keys.map(\.cacheBytes)) }
    }

    /// The same as text, or as what else they may be.
    public func get<Value: ByteValue>(_ keys: [some ByteValue], as type: Value.Type) throws(VecStoreError) -> [Value?] {
        try get(keys).map { $0.map { Value(cacheBytes: $0) } }
    }

    // MARK: - Writing

    /// Sets a value, in the place of the one with the same key. While Redis does not answer it is dropped, unless the cache fails
    /// closed.
    /// - Throws: `.invalidArgument`, `.tooLarge`, `.invalidHandle`, `.io`, `.locked`, `.outOfMemory` (of the server, too); with
    ///   `Options.failsClosed` also `.unavailable`.
    public func set(_ key: some ByteValue, _ value: some ByteValue, ttl: TimeToLive = .standard) throws(VecStoreError) {
        try rethrow { () throws(CoreError) in try core.set(key.cacheBytes, value.cacheBytes, ttl: ttl.internalValue) }
    }

    /// Sets values: all are checked before the first is written. Of a key that comes twice the last one counts. In Redis all go with
    /// one round trip.
    ///
    ///     try cache.set(["a": "1", "b": "2"])
    ///
    /// - Parameter values: A dictionary, or pairs in another form; up to 1,048,576.
    /// - Throws: As for one; the message says which value.
    public func set<Key: ByteValue, Value: ByteValue>(
        _ values: some Sequence<(key: Key, value: Value)>, ttl: TimeToLive = .standard
    ) throws(VecStoreError) {
        try rethrow { () throws(CoreError) in
            try core.set(values.map { ($0.key.cacheBytes, $0.value.cacheBytes) }, ttl: ttl.internalValue)
        }
    }

    /// Deletes a value.
    /// - Returns: Whether there was one.
    /// - Throws: As `set`, and `.unavailable` always: what Redis could not be told to delete would come back.
    @discardableResult
    public func delete(_ key: some ByteValue) throws(VecStoreError) -> Bool { try delete([key]) == 1 }

    /// Deletes values by their keys; those that have none are passed over.
    /// - Returns: How many there were.
    /// - Throws: As for one.
    @discardableResult
    public func delete(_ keys: [some ByteValue]) throws(VecStoreError) -> Int {
        try rethrow { () throws(CoreError) in try core.delete(keys.map(\.cacheBytes)) }
    }

    /// Deletes all values of the namespace, for all processes.
    /// - Returns: How many there were.
    /// - Throws: As for one, and `.unsupported` in a cluster whose user may not ask which servers there are.
    /// - Complexity: O(keys), of Redis all that the database has.
    @discardableResult
    public func clear() throws(VecStoreError) -> Int {
        try rethrow { () throws(CoreError) in try core.clear() }
    }
}
