// SPDX-License-Identifier: Apache-2.0

/// Refuses ids that are there, or that are none.
func checkNewIDs(
    _ ids: UnsafePointer<UInt64>, _ count: Int, isThere: (Int) -> Bool
) throws(VecStoreError) {
    for i in 0..<count {
        if ids[i] == noID {
            throw VecStoreError(.invalidArgument, "id \(i) is \(noID), which stands for a missing result")
        }
        if isThere(i) { throw VecStoreError.alreadyThere(ids[i]) }
    }
}

/// Refuses to assign `count` ids from `first` on where so many are not left: `noID` itself is none.
func checkAssignable(_ count: Int, from first: UInt64) throws(VecStoreError) {
    guard UInt64(count) <= noID - first else {
        throw VecStoreError(
            .tooLarge, "the ids to assign are used up (the next would be \(first), for \(count) rows): give ids")
    }
}

extension VecStoreError {
    static func alreadyThere(_ id: UInt64) -> VecStoreError {
        VecStoreError(.alreadyExists, "the id \(id) is in the index already: use update")
    }
}

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
