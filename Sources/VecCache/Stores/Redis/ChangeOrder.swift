// SPDX-License-Identifier: Apache-2.0

/// Keeps a change from taking the place of a later one in the table: those of this process are shown when their commands were answered,
/// those of others as they come in the stream, and neither waits for the other. Redis numbers all of them.
struct ChangeOrder {
    /// By id: the number of the last change of this process that was shown and has not come back in the stream.
    private var own: [EntryID: Int64] = [:]
    /// The number of the last change of this process that has come back.
    private var met: Int64 = 0
    /// By id: the number of the last change of others that was shown while some of this process were not.
    private var others: [EntryID: Int64] = [:]
    /// The ends that others have given, of those entries alone of which only that was changed.
    private var ends: [EntryID: (number: Int64, end: Int64)] = [:]
    /// Pipelines that were sent, or are about to be, and are not shown.
    private var underway = 0
    /// What was changed up to this number is read anew, or was.
    private var compared: Int64 = 0
    private var isComparing = false
    /// What of it was shown meanwhile, perhaps after something later was read: it is read once more.
    private var doubtful = Set<EntryID>()

    /// What is kept of others is looked through when it is more than this, and then of twice what is left.
    private static let leastLookedThrough = 1024
    private var lookedThroughAt = ChangeOrder.leastLookedThrough

    /// Changes of others that are kept.
    var kept: Int { others.count + ends.count }

    // MARK: - Changes of this process

    /// Changes of this process are sent.
    mutating func begin() { underway += 1 }

    /// They are shown.
    /// - Parameter last: The number of the last of them, if any was made: those that are shown later have later ones.
    mutating func end(_ last: Int64?) {
        underway -= 1
        if underway == 0 {
            others = [:]
            ends = [:]
        } else if let last, kept > lookedThroughAt {
            others = others.filter { $0.value > last }
            ends = ends.filter { $0.value.number > last }
            lookedThroughAt = max(ChangeOrder.leastLookedThrough, 2 * kept)
        }
    }

    /// - Returns: Whether the table is to be shown a change of this process: not where it has a later one.
    mutating func showsOwn(_ id: EntryID, _ number: Int64) -> Bool {
        if number <= compared {
            if isComparing { doubtful.insert(id) }
            return isComparing
        }
        guard number > others[id] ?? 0 else { return false }
        if number > met { own[id] = number }
        return true
    }

    /// The end that others have given to an entry after this process has set it.
    func end(of id: EntryID, after number: Int64) -> Int64? { ends[id].flatMap { $0.number > number ? $0.end : nil } }

    /// A change of this process has come back.
    mutating func meet(_ id: EntryID, _ number: Int64) {
        met = max(met, number)
        if own[id].map({ $0 <= number }) ?? false { own[id] = nil }
    }

    // MARK: - Changes of others

    /// Whether this process has made a change later than one of others.
    func hasLater(_ id: EntryID, than number: Int64) -> Bool { own[id].map { $0 > number } ?? false }

    /// - Returns: Whether the table is to be shown a change of others: not where this process has made a later one.
    mutating func showsOthers(_ id: EntryID, _ number: Int64) -> Bool {
        if hasLater(id, than: number) { return false }
        if underway > 0 && number > compared { others[id] = number }
        return true
    }

    /// - Returns: Whether the table is to be shown an end that others have given to an entry.
    mutating func showsEnd(_ id: EntryID, _ number: Int64, _ end: Int64) -> Bool {
        if hasLater(id, than: number) { return false }
        if underway > 0 { ends[id] = (number, end) }
        return true
    }

    // MARK: - All changes

    /// All that there is will be read, with the changes up to this number.
    mutating func beginComparing(upTo last: Int64) {
        compared = last
        met = max(met, last)
        isComparing = true
        doubtful = []
    }

    /// It was.
    /// - Returns: What has to be read once more before that is so.
    mutating func endComparing() -> Set<EntryID> {
        let again = doubtful
        doubtful = []
        isComparing = !again.isEmpty
        if !isComparing { own = own.filter { $0.value > compared } }
        return again
    }

    /// Changes are numbered anew.
    mutating func beginAgain() {
        let underway = underway
        self = ChangeOrder()
        self.underway = underway
    }
}
