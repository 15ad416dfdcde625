// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Tells when a slot that was taken out of a graph is safe to use again: when every search that began before has ended.
///
/// Epoch-based reclamation (Fraser, Practical lock freedom, 2004, section 5.2.3) with one counter of searches for each of
/// three epochs. Searches only count themselves in and out.
final class SlotReclaimer: @unchecked Sendable {
    // Safety: atomics; `retired` is touched by one writer at a time.

    private let epoch = Atomic<Int>(0)
    private let counter0 = Atomic<Int>(0)
    private let counter1 = Atomic<Int>(0)
    private let counter2 = Atomic<Int>(0)
    private var retired: [[UInt32]] = [[], [], []]

    @inline(__always)
    private func add(_ i: Int, _ n: Int) {
        switch i {
        case 0: counter0.add(n, ordering: .sequentiallyConsistent)
        case 1: counter1.add(n, ordering: .sequentiallyConsistent)
        default: counter2.add(n, ordering: .sequentiallyConsistent)
        }
    }

    private func count(_ i: Int) -> Int {
        switch i {
        case 0: counter0.load(ordering: .sequentiallyConsistent)
        case 1: counter1.load(ordering: .sequentiallyConsistent)
        default: counter2.load(ordering: .sequentiallyConsistent)
        }
    }

    /// A search begins. What it returns goes to `leave`.
    func enter() -> Int {
        while true {
            let e = epoch.load(ordering: .sequentiallyConsistent)
            add(e % 3, 1)
            // An epoch that ended in between may not have counted this search.
            if epoch.load(ordering: .sequentiallyConsistent) == e { return e % 3 }
            add(e % 3, -1)
        }
    }

    func leave(_ i: Int) { add(i, -1) }

    /// Takes slots that no link leads to any more.
    func retire(_ slots: [UInt32]) { retired[epoch.load(ordering: .sequentiallyConsistent) % 3] += slots }

    /// Slots that are safe to use again by now.
    func reclaim() -> [UInt32] {
        var safe: [UInt32] = []
        // An epoch ends when nobody of the one before is left; what was retired two epochs ago is safe then.
        for _ in 0..<3 {
            let e = epoch.load(ordering: .sequentiallyConsistent)
            if retired.allSatisfy({ $0.isEmpty }) { break }
            guard count((e + 2) % 3) == 0 else { break }
            epoch.store(e + 1, ordering: .sequentiallyConsistent)
            safe += retired[(e + 2) % 3]
            retired[(e + 2) % 3] = []
        }
        return safe
    }

    /// All that waits: for a store that no search has seen.
    func takeAll() -> [UInt32] {
        defer { retired = [[], [], []] }
        return retired.flatMap { $0 }
    }

    var waitingCount: Int { retired.reduce(0) { $0 + $1.count } }
}
