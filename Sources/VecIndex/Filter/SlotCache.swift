// SPDX-License-Identifier: Apache-2.0

/// What searches of a graph have found out about one bitmap of ids, for those that come after with the same: how many bits are
/// set, in which slots the rows lie, and once it is clear that more come, the signs of their codes. Whoever keeps a bitmap, and
/// changes it no more, keeps this with it.
package final class SlotCache: @unchecked Sendable {
    // Safety: all is touched under `lock`; buffers that were handed out are not written to any more.

    private let lock = Lock()
    private var population: Int?
    /// Which store, by its number: a reference would make counting the others slow.
    private var store: UInt64 = 0
    private var changes = -1
    private var list: SlotList?

    /// Whether a search makes the signs of the list.
    private var makesSigns = false

    struct SlotList {
        let memory: Buffer
        /// Slots in use.
        let count: Int
        var signs: SignCodes?

        var slots: UnsafeMutablePointer<UInt32> { memory.pointer(UInt32.self) }
    }

    package init() {}

    /// How many bits are set.
    /// - Parameter count: Counts them.
    func population(_ count: () -> Int) -> Int {
        lock.lock()
        defer { lock.unlock() }
        if let population { return population }
        let counted = count()
        population = counted
        return counted
    }

    /// The slots in a store whose table of ids has changed so often; nil where they were not listed, or otherwise.
    func slots(in store: GraphStore, changes: Int) -> SlotList? {
        lock.lock()
        defer { lock.unlock() }
        guard self.changes == changes, self.store == store.number else { return nil }
        return list
    }

    func keep(_ list: SlotList, in store: GraphStore, changes: Int) {
        lock.lock()
        let old = self.list
        self.list = list
        self.store = store.number
        self.changes = changes
        makesSigns = false
        lock.unlock()
        withExtendedLifetime(old) {}
    }

    /// Makes the signs of the rows of a list that was kept, for this search and those to come; nil where another search does.
    func makeSigns(of known: SlotList, in store: GraphStore) -> SignCodes? {
        lock.lock()
        let isMine = !makesSigns && list?.memory === known.memory
        makesSigns = makesSigns || isMine
        lock.unlock()
        // Searches do without them, as they do where there is no memory.
        guard isMine, let signs = try? SignCodes(known.slots, known.count, store) else { return nil }
        lock.lock()
        if list?.memory === known.memory { list?.signs = signs }
        lock.unlock()
        return signs
    }

    /// Bytes of memory held.
    package var bytes: Int { lock.withLock { list.map { $0.memory.size + ($0.signs?.bytes ?? 0) } ?? 0 } }
}
