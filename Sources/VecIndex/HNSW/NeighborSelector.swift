// SPDX-License-Identifier: Apache-2.0

/// A row that may become a neighbour.
struct Candidate {
    var distance: Float
    var slot: UInt32
    /// Whether it stays whatever the others are.
    var isKept: Bool = false
    /// Whether its place in the tree hangs on this link; such a one is kept too.
    var isChild: Bool = false
    /// Whether it was linked to before.
    var isOld: Bool = false
}

/// Chooses neighbours that are near and lie in different directions: Malkov & Yashunin, algorithm 4. A candidate is passed
/// over where it is nearer to a neighbour chosen before than to the row itself.
struct NeighborSelector {
    let walk: GraphWalk
    private let memory: Buffer
    private let isOut: UnsafeMutablePointer<Bool>
    private let positions: UnsafeMutablePointer<UInt32>
    /// The result.
    let selected: UnsafeMutablePointer<UInt32>
    let capacity: Int
    /// A chosen neighbour rules out what is nearer to it by this factor: a little above 1 keeps some links that the paper's
    /// rule drops (Subramanya et al., DiskANN, 2019, section 2.3). Products have no factor.
    private let alpha: Float

    /// Candidates taken at a time: those behind may never be looked at.
    private static let blockSize = 64

    init(_ walk: GraphWalk, capacity: Int) throws(VecStoreError) {
        self.walk = walk
        self.capacity = capacity
        alpha = walk.store.shape.metric == .innerProduct ? 1 : 1.05
        var layout = Layout()
        let outAt = layout.add(Bool.self, capacity)
        let positionsAt = layout.add(UInt32.self, capacity)
        let selectedAt = layout.add(UInt32.self, capacity)
        memory = try allocate(UInt8.self, layout.size, for: "the choice of neighbours")
        isOut = memory.pointer(Bool.self, at: outAt)
        positions = memory.pointer(UInt32.self, at: positionsAt)
        selected = memory.pointer(UInt32.self, at: selectedAt)
    }

    /// Chooses up to `wanted` of `candidates`, which are sorted, nearest first. `selected` gets their positions, in order;
    /// those that are kept come too.
    /// - Returns: How many.
    func select(_ candidates: UnsafePointer<Candidate>, _ count: Int, wanted: Int) -> Int {
        var chosen = 0
        var mustTake = 0
        for i in 0..<count {
            isOut[i] = false
            if candidates[i].isKept { mustTake &+= 1 }
        }
        var first = 0
        while first < count && chosen &+ mustTake < wanted {
            let end = min(first &+ NeighborSelector.blockSize, count)
            // What was chosen in earlier blocks.
            for s in 0..<chosen { rule(by: Int(selected[s]), candidates, first, end) }
            for i in first..<end where !isOut[i] {
                if candidates[i].isKept { mustTake &-= 1 }
                selected[chosen] = UInt32(truncatingIfNeeded: i)
                chosen &+= 1
                isOut[i] = true
                if chosen &+ mustTake >= wanted { break }
                rule(by: i, candidates, i &+ 1, end)
            }
            first = end
        }
        if mustTake > 0 {
            // The kept ones that nobody has come to.
            for i in 0..<count where candidates[i].isKept && !contains(i, chosen) {
                selected[chosen] = UInt32(truncatingIfNeeded: i)
                chosen &+= 1
            }
        }
        return chosen
    }

    /// Adds the nearest of those passed over until there are `wanted`.
    /// - Returns: How many there are now.
    func fill(_ count: Int, chosen: Int, wanted: Int) -> Int {
        var total = chosen
        var i = 0
        while i < count && total < wanted {
            if !contains(i, chosen) {
                selected[total] = UInt32(truncatingIfNeeded: i)
                total &+= 1
            }
            i &+= 1
        }
        return total
    }

    private func contains(_ i: Int, _ chosen: Int) -> Bool {
        for s in 0..<chosen where selected[s] == UInt32(truncatingIfNeeded: i) { return true }
        return false
    }

    /// Rules out what is nearer to a chosen candidate than to the row.
    @inline(__always)
    private func rule(by s: Int, _ candidates: UnsafePointer<Candidate>, _ first: Int, _ end: Int) {
        let scratch = walk.scratch
        var n = 0
        for i in first..<end where !isOut[i] && !candidates[i].isKept {
            positions[n] = UInt32(truncatingIfNeeded: i)
            scratch.slots[n] = candidates[i].slot
            scratch.addresses[n] = walk.fine.address(candidates[i].slot)
            n &+= 1
        }
        if n == 0 { return }
        let query = walk.fine.prepare(row: candidates[s].slot, scratch.rowQuery, scratch.floats)
        walk.fine.measure(query, scratch.slots, scratch.addresses, n, scratch.distances)
        for j in 0..<n {
            let i = Int(positions[j])
            // Equal rows are all as far from each other. Of those one is enough: more would leave no place for ways out.
            let distance = scratch.distances[j]
            let isEqual = distance == candidates[i].distance && distance == candidates[s].distance
            if distance * alpha < candidates[i].distance || isEqual { isOut[i] = true }
        }
    }
}
