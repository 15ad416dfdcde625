// SPDX-License-Identifier: Apache-2.0

/// The keys of a namespace. The braces put all of them into one slot of a cluster, so that a script can change several at once.
struct RedisKeys: Sendable {
    /// A hash: `format`, `dim`, `model`, `epoch` (made anew with the hash), `seq` (changes so far).
    let meta: [UInt8]
    /// A sorted set of the ids of all entries, by their ends.
    let ids: [UInt8]
    /// A stream of changes, whose ids are `<seq>-0`.
    let log: [UInt8]
    private let entryPrefix: [UInt8]

    init(namespace: String) {
        let prefix = "vecstore:{\(namespace)}:"
        meta = Array("\(prefix)meta".utf8)
        ids = Array("\(prefix)ids".utf8)
        log = Array("\(prefix)log".utf8)
        entryPrefix = Array("\(prefix)entry:".utf8)
    }

    /// A hash, which ends by itself when the entry does; see `RedisEntry`.
    func entry(_ id: EntryID) -> [UInt8] { entryPrefix + Array(id.text.utf8) }
}
