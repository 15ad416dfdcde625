// Sorted lists of 64-bit numbers, and what comes into them.
// SPDX-License-Identifier: Apache-2.0

import CVecShims

/// Sorts up to 32 different numbers, which have room for 7 more, into `room`. The place of each is told by how many are
/// larger: no branch to guess wrong.
@inline(__always)
private func sort(_ batch: UnsafeMutablePointer<UInt64>, _ count: Int, into room: UnsafeMutablePointer<UInt64>) {
    var end = count
    while end & 7 != 0 {
        batch[end] = 0
        end = end &+ 1
    }
    // Were two of them the same, one place would be left over: it keeps another of the batch.
    for i in 0..<count { room[i] = batch[i] }
    for i in 0..<count {
        let one = batch[i]
        var above = 0
        var from = 0
        while from < end {
            above = above &+ vs_count_above(batch + from, one)
            from = from &+ 8
        }
        room[count &- 1 &- above] = one
    }
}

/// See `MergeKernel`.
@inline(__always)
func mergeSorted(
    _ entries: UnsafeMutablePointer<UInt64>, _ count: Int, _ capacity: Int, _ batch: UnsafeMutablePointer<UInt64>,
    _ batchCount: Int, _ room: UnsafeMutablePointer<UInt64>
) -> Int {
    sort(batch, batchCount, into: room)
    var old = count &- 1
    var new = batchCount &- 1
    var excess = count &+ batchCount &- capacity
    // The largest have no place.
    while excess > 0 {
        if old < 0 || (new >= 0 && room[new] > entries[old]) { new = new &- 1 } else { old = old &- 1 }
        excess = excess &- 1
    }
    var first = old &+ new &+ 2
    while new >= 0 {
        // What is larger moves up, eight at a time.
        let one = room[new]
        let shift = new &+ 1
        while old >= 7 {
            let block = entries + (old &- 7)
            let above = vs_count_above(block, one)
            vs_move_last(block + shift, block, above)
            old = old &- above
            if above < 8 { break }
        }
        while old >= 0 && entries[old] > one {
            entries[old &+ shift] = entries[old]
            old = old &- 1
        }
        first = old &+ shift
        entries[first] = one
        new = new &- 1
    }
    return first
}
