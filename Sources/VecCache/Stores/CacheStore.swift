// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// Where entries live.
///
/// A store has the entries, and shows what changes to its sink, the table of this process: its own changes before the call
/// that makes them returns, and those of others whenever it hears of them, from a thread of its own. Changes of one entry
/// come to the sink in the order in which the store has made them. All calls may come from many threads at once.
package protocol CacheStore: AnyObject, Sendable {
    /// Brings all entries that there are to the sink, and keeps it to show it what changes. Called once, before all else.
    func open(_ sink: any CacheSink) throws(VecStoreError)

    /// Writes entries, in the places of those with the same ids, or keeps them to be written later. What the sink lets go of
    /// for them is deleted from the store too.
    /// - Throws: Where an entry could neither be written nor kept.
    func set(_ entries: [CacheEntry]) throws(VecStoreError)

    /// Deletes entries; those that are not there are passed over.
    /// - Returns: How many of them this process knew.
    func delete(_ ids: [EntryID]) throws(VecStoreError) -> Int

    /// Deletes all entries of the namespace.
    /// - Returns: How many of them this process knew.
    func clear() throws(VecStoreError) -> Int

    /// A hit has put off the end of an entry: written when it suits the store.
    func touch(_ id: EntryID, expires: Int64)

    /// Keeps with an entry the vectors of prompts that it is wrong for.
    func setNegatives(_ id: EntryID, _ negatives: [[Float]]) throws(VecStoreError)

    /// What the store has of entries whose responses the table does not have, in the same order; nil: it is gone.
    func fetch(_ ids: [EntryID]) throws(VecStoreError) -> [FetchedEntry?]

    /// Refuses where the store is known to be away: then nobody knows what others have changed.
    func checkReachable() throws(VecStoreError)

    /// Waits until nothing is left to be written.
    /// - Returns: Whether that was so in time.
    func flush(milliseconds: Int) -> Bool

    /// Entries have ended, and the table has let go of them.
    func forget(_ ids: [EntryID])

    /// Does what there is to do in the background, when there is time; called by the thread of the cache.
    func upkeep()

    /// What stands in the way of the store; empty: nothing.
    var reasons: [HealthReport.Reason] { get }

    /// Metrics that only this kind of store has, for some caches with stores of this kind.
    func metrics() -> [CacheMetric]

    /// Writes what waits, and lets go of everything. Nothing is shown to the sink any more.
    func close() throws(VecStoreError)
}

extension CacheStore {
    package func checkReachable() {}
    package func flush(milliseconds: Int) -> Bool { true }
}

/// A response, as the store has it now.
package struct FetchedEntry: Sendable {
    package var response: [UInt8]
    /// Milliseconds since 1970; nil: it has no end.
    package var expires: Int64?

    package init(response: [UInt8], expires: Int64?) {
        self.response = response
        self.expires = expires
    }
}

/// What a store shows its changes to.
package protocol CacheSink: AnyObject, Sendable {
    /// Entries are there, in the places of those with the same ids.
    /// - Returns: What had to go for them, which the store deletes.
    func put(_ entries: [CacheEntry]) throws(VecStoreError) -> Departed

    /// - Returns: How many of them were there.
    func remove(_ ids: [EntryID]) -> Int

    /// - Returns: How many there were.
    func clear() throws(VecStoreError) -> Int

    func setNegatives(_ id: EntryID, _ negatives: [[Float]])

    /// - Parameter time: Milliseconds since 1970; nil: it has no end.
    func setExpires(_ id: EntryID, _ time: Int64?)

    /// Puts off the end of an entry, where it would come earlier.
    func putOff(_ id: EntryID, until time: Int64)

    func contains(_ id: EntryID) -> Bool

    /// Something went wrong of which no call tells.
    func noteFailure(_ error: VecStoreError)

    /// Of all entries that are there.
    var ids: [EntryID] { get }
}

/// Entries that a table has let go of.
package struct Departed: Sendable {
    /// For want of room.
    package var evicted: [EntryID] = []
    /// Because their end has come.
    package var expired: [EntryID] = []

    package var isEmpty: Bool { evicted.isEmpty && expired.isEmpty }
}

/// A number of a store for the metrics.
package struct CacheMetric: Sendable {
    /// Without the prefix that all of a cache have.
    package var name: String
    package var kind: MetricsText.Kind
    package var help: String
    package var value: Double

    package init(name: String, kind: MetricsText.Kind, help: String, value: Double) {
        self.name = name
        self.kind = kind
        self.help = help
        self.value = value
    }
}
