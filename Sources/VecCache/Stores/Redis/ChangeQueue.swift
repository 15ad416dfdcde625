// SPDX-License-Identifier: Apache-2.0

/// Changes in the order in which they came.
struct ChangeQueue {
    struct Item {
        var change: RedisChange
        /// The call that waits for it, if any.
        var batch: RedisBatch?
    }

    /// Those before `head` were taken.
    private var items: [Item?] = []
    private var head = 0

    var count: Int { items.count - head }
    var isEmpty: Bool { count == 0 }
    /// How many somebody would miss.
    var mattering: Int { items[head...].reduce(0) { $0 + ($1?.change.matters ?? false ? 1 : 0) } }
    var ids: [EntryID] { items[head...].compactMap { $0?.change.id } }

    mutating func append(_ changes: [RedisChange], _ batch: RedisBatch?) {
        items += changes.map { Item(change: $0, batch: batch) }
    }

    /// Takes the first ones: one at least, where there is any.
    mutating func take(most: Int, mostBytes: Int) -> [Item] {
        var taken: [Item] = []
        var bytes = 0
        while head < items.count, taken.count < most, taken.isEmpty || bytes < mostBytes, let item = items[head] {
            bytes += item.change.bytes
            taken.append(item)
            items[head] = nil
            head += 1
        }
        if head == items.count || head > max(4096, items.count / 2) {
            items.removeFirst(head)
            head = 0
        }
        return taken
    }

    /// Puts what was taken in front of the others again.
    mutating func putBack(_ taken: [Item]) {
        if taken.count <= head {
            head -= taken.count
            for (i, item) in taken.enumerated() { items[head + i] = item }
        } else {
            items.replaceSubrange(..<head, with: taken.map { $0 })
            head = 0
        }
    }

    /// Takes the last ones, until so many are left.
    mutating func cut(to limit: Int) -> [Item] {
        let tooMany = max(0, count - limit)
        let cut = items.suffix(tooMany).compactMap { $0 }
        items.removeLast(tooMany)
        return cut
    }

    /// The calls that wait do not any more; their changes stay.
    mutating func releaseBatches() {
        for i in head..<items.count {
            items[i]?.batch?.isReleased = true
            items[i]?.batch = nil
        }
    }
}
