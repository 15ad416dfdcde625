// SPDX-License-Identifier: Apache-2.0

import VecCache

extension PointCollection {
    /// Writes a point for each hash in a Redis, as `upsert` does, in batches. Programs with a search module of Redis keep such hashes,
    /// with a vector as a blob in one field; no module is needed. What is left of a key's time to live is the end of its point.
    ///
    /// Keys that come, change or go meanwhile are no error. Doing it again does no harm.
    /// - Parameters:
    ///   - url: Of the Redis; nil: the one that the environment says, or else that of this machine.
    ///   - result: What came of it, where this throws too.
    ///   - progress: Is told of keys that are done, of all that the Redis has, on this thread; false cancels.
    /// - Throws: `.invalidArgument`, `.notFinite`, `.zeroVector`, `.tooLarge`: a hash is wrong; the message has its key, and what came
    ///   before is in. Or the options are. `.readOnly`, `.cancelled`, `.unavailable`, `.unsupported` (rights, TLS), `.io`,
    ///   `.outOfMemory`, `.invalidHandle`.
    public func importRedis(
        _ url: String? = nil, _ options: RedisImportOptions = RedisImportOptions(), result: inout RedisImportResult,
        progress: ((_ done: Int, _ total: Int) -> Bool)? = nil
    ) throws(VecStoreError) {
        var found = VecCache.RedisImportResult()
        defer { result = RedisImportResult(found) }
        try rethrow { () throws(CoreError) in
            let coreOptions = try options.coreOptions(progress)
            try withRedis(url, options.redis) { (client) throws(CoreError) in
                try RedisTransfer(client).importPoints(into: core, coreOptions, &found)
            }
        }
    }

    /// The same, for whoever does not go on after an error.
    @discardableResult
    public func importRedis(
        _ url: String? = nil, _ options: RedisImportOptions = RedisImportOptions(),
        progress: ((_ done: Int, _ total: Int) -> Bool)? = nil
    ) throws(VecStoreError) -> RedisImportResult {
        var result = RedisImportResult()
        try importRedis(url, options, result: &result, progress: progress)
        return result
    }

    /// Writes a hash in a Redis for each point, those of one moment, while searches and writes go on. Each appears whole, in the place
    /// of the one that was there; keys of other points stay, and one that holds something else is an error. Doing it again changes
    /// nothing.
    /// - Parameters:
    ///   - url: Of the Redis; nil: the one that the environment says, or else that of this machine.
    ///   - progress: Is told of points, on this thread; false cancels. It must not use the collection.
    /// - Returns: How many points there were.
    /// - Throws: `.invalidArgument` (a filter too; a payload with a member that is called as the field of a vector; ids with the same
    ///   key), `.tooLarge` (an element is beyond the blob type), `.cancelled`, `.unavailable`, `.unsupported`, `.io`, `.outOfMemory`
    ///   (of the Redis, too), `.invalidHandle`.
    @discardableResult
    public func exportRedis(
        _ url: String? = nil, _ options: RedisExportOptions = RedisExportOptions(),
        progress: ((_ done: Int, _ total: Int) -> Bool)? = nil
    ) throws(VecStoreError) -> Int {
        try rethrow { () throws(CoreError) in
            try withRedis(url, options.redis) { (client) throws(CoreError) in
                try RedisTransfer(client).exportPoints(of: core, options.coreOptions(progress))
            }
        }
    }
}

/// Calls `body` with a client that is closed afterwards.
func withRedis<R>(
    _ url: String?, _ options: RedisOptions, _ body: (RedisClient) throws(CoreError) -> R
) throws(CoreError) -> R {
    let client = try RedisClient(RedisURL.from(url), options.internalValue)
    defer { client.close() }
    return try body(client)
}
