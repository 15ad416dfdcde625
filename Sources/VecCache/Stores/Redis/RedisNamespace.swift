// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// A namespace in Redis, as one process sees it: what its writer and its follower have in common.
final class RedisNamespace: @unchecked Sendable {
    // Safety: `epochNow` is touched under `lock`, `changes` under `order`; the rest is set at the beginning.

    let client: RedisClient
    let keys: RedisKeys
    let settings: RedisNamespaceSettings
    /// Whose changes these are: chosen at random, so that a process knows its own in the stream.
    let name = RedisNamespace.randomText()
    private let cache: CacheOptions
    private let lock = Lock()
    private var epochNow: [UInt8]?

    /// Changes are shown to the table under this lock, each as `changes` says.
    let order = Lock()
    var changes = ChangeOrder()

    private static let format = 1

    init(_ client: RedisClient, _ cache: CacheOptions, _ settings: RedisNamespaceSettings) throws(VecStoreError) {
        try settings.check()
        self.client = client
        self.cache = cache
        self.settings = settings
        keys = RedisKeys(namespace: cache.namespace)
    }

    var dimension: Int { cache.dimension }
    var failsOpen: Bool { cache.failsOpen }

    private static func randomText() -> [UInt8] {
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        return Array((String(repeating: "0", count: 16 - digits.count) + digits).utf8)
    }

    // MARK: - The epoch

    /// As it was when this process joined last; nil: it has not yet.
    var epoch: [UInt8]? { lock.withLock { epochNow } }

    /// Makes the namespace where it is not there, and sees whether its vectors are those of this cache.
    /// - Returns: Its epoch, and the number of its last change.
    func join() throws(VecStoreError) -> (epoch: [UInt8], last: Int64) {
        let arguments = [
            Array(String(RedisNamespace.format).utf8), Array(String(dimension).utf8), Array(cache.model.utf8),
            RedisNamespace.randomText(),
        ]
        let reply = try client.script(
            RedisScripts.join, keys: [keys.meta, keys.ids, keys.log], arguments: arguments, isRepeatable: true)
        guard let values = reply.array, values.count == 5, let format = values[0].integer, let dim = values[1].integer,
            let model = values[2].text, let epoch = values[3].bytes, let last = values[4].integer,
            last >= 0 && last < .max
        else { throw damaged("has settings that cannot be read") }
        guard format == RedisNamespace.format else {
            throw VecStoreError(
                .newerVersion, "the namespace '\(cache.namespace)' at \(client.url) has format \(format): this library reads \(RedisNamespace.format)")
        }
        try cache.checkStored(dimension: Int(clamping: dim), model: model, in: client.url.description)
        let isAnother = lock.withLock {
            let before = epochNow
            epochNow = epoch
            return before != epoch
        }
        if isAnother { order.withLock { changes.beginAgain() } }
        return (epoch, last)
    }

    func damaged(_ what: String) -> VecStoreError {
        VecStoreError(.corrupt, "the namespace '\(cache.namespace)' at \(client.url) \(what)")
    }

    /// A change of entries by a script, whose first arguments all of them have in common.
    func command(_ script: RedisScript, _ ids: [EntryID], _ more: [[UInt8]]) -> RedisCommand {
        RedisCommand(
            script, keys: [keys.meta, keys.ids, keys.log] + ids.map { keys.entry($0) },
            arguments: [epoch ?? [], name, Array(String(settings.logLength).utf8)] + more, isRepeatable: true)
    }
}
