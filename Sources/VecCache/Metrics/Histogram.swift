// SPDX-License-Identifier: Apache-2.0

import Synchronization
import VecCollection

/// How many values fell below each of some bounds, and their sum.
final class Histogram: @unchecked Sendable {
    // Safety: all that changes is atomic.

    /// Upper bounds, and as the text has them.
    private let bounds: [(value: Double, text: String)]
    private let counts: UnsafeMutablePointer<Atomic<UInt64>>
    /// In millionths.
    private let sum = Atomic<Int64>(0)
    private let places: Int

    init(_ bounds: [(value: Double, text: String)]) {
        self.bounds = bounds
        places = bounds.count + 1
        counts = .allocate(capacity: places)
        for i in 0..<places { (counts + i).initialize(to: Atomic<UInt64>(0)) }
    }

    deinit { counts.deallocate() }

    func note(_ value: Double) {
        var low = 0, high = bounds.count
        while low < high {
            let middle = (low + high) / 2
            if bounds[middle].value < value { low = middle + 1 } else { high = middle }
        }
        counts[low].add(1, ordering: .relaxed)
        sum.wrappingAdd(Int64((value * 1e6).rounded()), ordering: .relaxed)
    }

    /// The value that a share of all values does not exceed, to the next bound; nil where there are none.
    func quantile(_ share: Double) -> Double? {
        let values = (0..<places).map { counts[$0].load(ordering: .relaxed) }
        let total = values.reduce(0, &+)
        if total == 0 { return nil }
        var seen: UInt64 = 0
        for (i, count) in values.enumerated() {
            seen &+= count
            if Double(seen) >= share * Double(total) { return i < bounds.count ? bounds[i].value : .infinity }
        }
        return .infinity
    }

    func write(_ name: String, _ labels: [(name: String, value: String)], to text: inout MetricsText) {
        var total: UInt64 = 0
        for i in 0..<places {
            total &+= counts[i].load(ordering: .relaxed)
            text.sample("\(name)_bucket", labels + [("le", i < bounds.count ? bounds[i].text : "+Inf")], total)
        }
        text.sample("\(name)_sum", labels, Double(sum.load(ordering: .relaxed)) / 1e6)
        text.sample("\(name)_count", labels, total)
    }
}
