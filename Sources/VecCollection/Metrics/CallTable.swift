// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import VecIndex

/// How often each operation was called, how that ended, and how long it took.
///
/// A note is three atomic additions. Threads add to different stripes, so that those that search at once do not pass the same
/// cache lines to and fro; a reader adds the stripes up.
final class CallTable: @unchecked Sendable {
    // Safety: all of the memory is atomic.

    private let counters: UnsafeMutablePointer<Atomic<UInt64>>
    private let bounds: UnsafeMutablePointer<Int64>
    private let boundCount = CallTable.buckets.count
    private let operationCount = Operation.allCases.count

    private static let stripeBits: UInt64 = 3
    private static let stripes = 1 << Int(stripeBits)

    /// Upper bounds of the buckets, in nanoseconds, and as the text has them in seconds: from what a walk over a small graph takes to
    /// what an export of a large collection does.
    static let buckets: [(bound: Int64, seconds: String)] = [
        (10_000, "0.00001"), (25_000, "0.000025"), (50_000, "0.00005"), (100_000, "0.0001"), (250_000, "0.00025"),
        (500_000, "0.0005"), (1_000_000, "0.001"), (2_500_000, "0.0025"), (5_000_000, "0.005"), (10_000_000, "0.01"),
        (25_000_000, "0.025"), (50_000_000, "0.05"), (100_000_000, "0.1"), (250_000_000, "0.25"), (500_000_000, "0.5"),
        (1_000_000_000, "1"), (2_500_000_000, "2.5"), (5_000_000_000, "5"), (10_000_000_000, "10"), (60_000_000_000, "60"),
        (600_000_000_000, "600"),
    ]

    // What an operation has in a stripe: buckets and one for what is longer, the sum, and a counter for each end.
    private let sumPlace: Int
    private let endPlace: Int
    private let width: Int

    init() {
        sumPlace = boundCount + 1
        endPlace = sumPlace + 1
        // Whole cache lines.
        width = (endPlace + CallEnd.all.count + 7) / 8 * 8
        let count = CallTable.stripes * operationCount * width
        counters = .allocate(capacity: count)
        for i in 0..<count { (counters + i).initialize(to: Atomic<UInt64>(0)) }
        bounds = .allocate(capacity: boundCount)
        for (i, bucket) in CallTable.buckets.enumerated() { (bounds + i).initialize(to: bucket.bound) }
    }

    deinit {
        counters.deallocate()
        bounds.deallocate()
    }

    /// Takes note of a call that has ended.
    func note(_ operation: Operation, _ end: CallEnd, nanoseconds: Int64) {
        // Threads lie some pages apart: the product spreads what is different in their addresses.
        let thread = UInt64(UInt(pthread_self())) &* 0x9e37_79b9_7f4a_7c15
        let stripe = Int(thread >> (64 - CallTable.stripeBits))
        let own = place(stripe, operation)
        own[bucket(nanoseconds)].add(1, ordering: .relaxed)
        own[sumPlace].add(UInt64(max(nanoseconds, 0)), ordering: .relaxed)
        own[endPlace + end.place].add(1, ordering: .relaxed)
    }

    private func place(_ stripe: Int, _ operation: Operation) -> UnsafeMutablePointer<Atomic<UInt64>> {
        counters + (stripe * operationCount + operation.rawValue) * width
    }

    /// The first bucket whose bound is not below.
    private func bucket(_ nanoseconds: Int64) -> Int {
        var low = 0, high = boundCount
        while low < high {
            let middle = (low + high) / 2
            if bounds[middle] < nanoseconds { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: - Reading

    /// The calls of one operation: how many had each end, and how long all took.
    struct Calls {
        /// By the place of the end.
        var ends = [UInt64](repeating: 0, count: CallEnd.all.count)
        /// By the place of the bucket, the last for what is longer than all bounds.
        var buckets = [UInt64](repeating: 0, count: CallTable.buckets.count + 1)
        var nanoseconds: UInt64 = 0

        var count: UInt64 { buckets.reduce(0, &+) }
    }

    func calls(_ operation: Operation) -> Calls {
        var calls = Calls()
        for stripe in 0..<CallTable.stripes {
            let own = place(stripe, operation)
            for i in calls.buckets.indices { calls.buckets[i] &+= own[i].load(ordering: .relaxed) }
            calls.nanoseconds &+= own[sumPlace].load(ordering: .relaxed)
            for i in calls.ends.indices { calls.ends[i] &+= own[endPlace + i].load(ordering: .relaxed) }
        }
        return calls
    }
}

/// How a call ended, as metrics name it.
struct CallEnd {
    /// Among all ends.
    let place: Int

    static let ok = CallEnd(place: 0)
    static let all = [
        "ok", "invalid_argument", "invalid_handle", "unsupported", "not_finite", "zero_vector", "not_found", "already_exists",
        "read_only", "out_of_memory", "io", "corrupt", "newer_version", "too_large", "cancelled", "locked", "unavailable",
        "internal",
    ]

    private init(place: Int) { self.place = place }

    /// Codes are the numbers of the header, in the same order; what has another number is a defect.
    init(_ code: VecStoreError.Code) {
        let number = Int(code.rawValue)
        place = number < CallEnd.all.count - 1 ? number : CallEnd.all.count - 1
    }
}
