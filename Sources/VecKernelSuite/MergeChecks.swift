// Checks of the kernel that merges a few numbers into a sorted list.
// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

let mergeChecks = [
    KernelCheck(name: "merge: the smallest of both lists, in order, and where the first new one is") { table, extent in
        var findings = Findings()
        merge(table.merge, extent, &findings)
        return findings.failures
    }
]

/// Numbers from all over the range, small ones, and large ones; batches that come before, after and among the others. Seed: 31.
private func merge(_ kernel: MergeKernel, _ extent: Extent, _ findings: inout Findings) {
    var random = SplitMix64(seed: 31)
    let list = FencedMemory(1 << 13, extent), batches = FencedMemory(1 << 13, extent), rooms = FencedMemory(1 << 13, extent)
    let most = KernelTable.largestMerge
    let counts = extent == .full ? Array(0...40) + [63, 64, 65, 100, 200, 513] : [0, 1, 7, 8, 9, 16, 65, 200]
    for count in counts {
        for batchCount in 1...most {
            let range = random.below(3)
            var numbers = Set<UInt64>()
            while numbers.count < count + batchCount {
                let any = random.next()
                numbers.insert(range == 0 ? any : range == 1 ? any >> 40 : ~(any >> 40))
            }
            var all = Array(numbers).sorted()
            // Which of them are new: any, the smallest, or the largest.
            let way = random.below(4)
            if way > 1 { all.shuffle(using: &random) } else if way == 1 { all.reverse() }
            let incoming = Array(all.prefix(batchCount)).shuffled(using: &random), old = all.dropFirst(batchCount).sorted()
            let capacity = [count, count + batchCount / 2, count + batchCount, count + 50][random.below(4)]
            if capacity == 0 { continue }
            let want = Array((old + incoming).sorted().prefix(capacity))
            let wantFirst = want.firstIndex { incoming.contains($0) } ?? want.count

            let what = "\(batchCount) into \(count), capacity \(capacity)"
            let atEnd = random.below(2) == 0
            let entries = GuardedOutput(list, size: 8 * capacity, atEnd: atEnd, offset: 8)
            let batch = GuardedOutput(batches, size: 8 * (batchCount + 7), atEnd: atEnd, offset: 8)
            let room = GuardedOutput(rooms, size: 8 * most, atEnd: atEnd, offset: 8)
            for (i, one) in old.enumerated() { entries.pointer(to: UInt64.self)[i] = one }
            for (i, one) in incoming.enumerated() { batch.pointer(to: UInt64.self)[i] = one }
            let first = kernel(
                entries.pointer(to: UInt64.self), count, capacity, batch.pointer(to: UInt64.self), batchCount,
                room.pointer(to: UInt64.self))
            let got = entries.values(UInt64.self, want.count)
            findings.expect(got == want, "\(what): \(got), not \(want)")
            findings.expect(first == wantFirst, "\(what): the first new one is said to be at \(first), not \(wantFirst)")
            findings.expect(
                entries.isIntact && batch.isIntact && room.isIntact, "\(what): writes outside its output")
        }
    }
}
