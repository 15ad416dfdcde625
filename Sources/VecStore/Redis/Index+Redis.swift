// SPDX-License-Identifier: Apache-2.0

import VecCache

extension Index {
    /// Adds a row for each hash in a Redis, or updates the one with its id, which is a number. There are no payloads: the options of
    /// these are refused, and ends of keys are not kept. Else as `PointCollection.importRedis`.
    /// - Throws: As there; `.unsupported` also for rows of `.int8`, `.uint8` and `.bits`.
    public func importRedis(
        _ url: String? = nil, _ options: RedisImportOptions = RedisImportOptions(), result: inout RedisImportResult,
        progress: ((_ done: Int, _ total: Int) -> Bool)? = nil
    ) throws(VecStoreError) {
        var found = VecCache.RedisImportResult()
        defer { result = RedisImportResult(found) }
        try rethrow { () throws(CoreError) in
            let coreOptions = try options.coreOptions(progress)
            try withRedis(url, options.redis) { (client) throws(CoreError) in
                try RedisTransfer(client).importRows(into: core, coreOptions, &found)
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
}
