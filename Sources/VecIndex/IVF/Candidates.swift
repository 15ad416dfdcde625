// SPDX-License-Identifier: Apache-2.0

/// The rows of the least estimates so far: a heap with the largest on top.
struct Candidates {
    struct Candidate {
        var estimate: Float
        var slot: UInt32
        /// How far the estimate is off, as a rule.
        var margin: Float
    }

    private let items: UnsafeMutablePointer<Candidate>
    private let ids: SegmentedColumn.View
    let capacity: Int
    private(set) var count = 0

    /// - Parameter ids: By slot.
    init(_ items: UnsafeMutablePointer<Candidate>, capacity: Int, ids: SegmentedColumn.View) {
        self.items = items
        self.capacity = capacity
        self.ids = ids
    }

    /// Only rows estimated at most so far are taken.
    @inline(__always)
    var limit: Float { count < capacity ? .infinity : items[0].estimate }

    subscript(_ i: Int) -> Candidate { items[i] }

    /// Rows of one estimate come by id, so that neither the order in which lists are read matters nor where rows lie.
    @inline(__always)
    private func isWorse(_ a: Candidate, _ b: Candidate) -> Bool {
        a.estimate > b.estimate || (a.estimate == b.estimate && id(a) > id(b))
    }

    private func id(_ candidate: Candidate) -> UInt64 { ids.address(candidate.slot).loadUnaligned(as: UInt64.self) }

    @inline(__always)
    mutating func take(_ new: Candidate) {
        if count < capacity {
            var i = count
            count &+= 1
            while i > 0 {
                let parent = (i &- 1) / 2
                if !isWorse(new, items[parent]) { break }
                items[i] = items[parent]
                i = parent
            }
            items[i] = new
        } else if isWorse(items[0], new) {
            sink(new, count)
        }
    }

    private func sink(_ item: Candidate, _ n: Int) {
        var i = 0
        while true {
            var child = 2 &* i &+ 1
            if child >= n { break }
            if child &+ 1 < n, isWorse(items[child &+ 1], items[child]) { child &+= 1 }
            if !isWorse(items[child], item) { break }
            items[i] = items[child]
            i = child
        }
        items[i] = item
    }

    /// Sorts them, the least first.
    mutating func sort() {
        var n = count
        while n > 1 {
            n &-= 1
            let last = items[n]
            items[n] = items[0]
            sink(last, n)
        }
    }

}

/// Slots that have come by, of few: an open table, cleared for each query.
struct SeenSlots {
    private let places: UnsafeMutablePointer<UInt32>
    private let mask: Int

    /// Places for a table of `count` slots: a power of two.
    static func size(_ count: Int) -> Int {
        var size = 16
        while size < 2 * count { size *= 2 }
        return size
    }

    init(_ places: UnsafeMutablePointer<UInt32>, size: Int) {
        self.places = places
        mask = size - 1
        places.update(repeating: .max, count: size)
    }

    /// Whether a slot comes for the first time.
    func insert(_ slot: UInt32) -> Bool {
        var i = Int(slot &* 0x9e37_79b1) & mask
        while places[i] != .max {
            if places[i] == slot { return false }
            i = (i + 1) & mask
        }
        places[i] = slot
        return true
    }
}
