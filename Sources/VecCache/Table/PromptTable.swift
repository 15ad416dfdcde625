// SPDX-License-Identifier: Apache-2.0

import CVecShims

/// The entries of a prompt, by its hash. Entries of the same hash hang together in a chain.
struct PromptTable {
    private var first: [UInt64: UInt32] = [:]
    /// By number: the next of the chain.
    private var next: [UInt32] = []

    static let none = UInt32.max

    static func hash(_ prompt: some Collection<UInt8>) -> UInt64 {
        prompt.withContiguousStorageIfAvailable { bytes in
            bytes.baseAddress.map { vs_checksum($0, bytes.count) } ?? 0
        } ?? 0
    }

    mutating func add(_ number: UInt32, _ hash: UInt64) {
        let place = Int(number)
        if place >= next.count { next += [UInt32](repeating: PromptTable.none, count: place + 1 - next.count) }
        next[place] = first[hash] ?? PromptTable.none
        first[hash] = number
    }

    mutating func remove(_ number: UInt32, _ hash: UInt64) {
        guard let head = first[hash] else { return }
        let after = next[Int(number)]
        next[Int(number)] = PromptTable.none
        if head == number {
            first[hash] = after == PromptTable.none ? nil : after
            return
        }
        var place = head
        while next[Int(place)] != PromptTable.none {
            if next[Int(place)] == number {
                next[Int(place)] = after
                return
            }
            place = next[Int(place)]
        }
    }

    /// Calls `body` with the numbers of a hash.
    func forEach(_ hash: UInt64, _ body: (UInt32) -> Void) {
        var place = first[hash] ?? PromptTable.none
        while place != PromptTable.none {
            body(place)
            place = next[Int(place)]
        }
    }

    mutating func removeAll() {
        first = [:]
        next = []
    }
}
