// SPDX-License-Identifier: Apache-2.0

/// Refuses ids of a batch that come twice. Returns the largest.
func checkDifferentIDs(_ ids: UnsafePointer<UInt64>, _ count: Int) throws(VecStoreError) -> UInt64 {
    var largest: UInt64 = 0
    var isAscending = true
    for i in 0..<count {
        if i > 0 && ids[i] <= ids[i - 1] { isAscending = false }
        largest = max(largest, ids[i])
    }
    if isAscending { return largest }
    let seen = IDMap()
    try seen.reserve(count)
    for i in 0..<count {
        if seen.slot(of: ids[i]) != nil {
            throw VecStoreError(.alreadyExists, "the id \(ids[i]) comes twice in one batch")
        }
        seen.set(ids[i], 0)
    }
    return largest
}
