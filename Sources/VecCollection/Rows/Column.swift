// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Elements of one type, one after the other, in memory whose lack is an error. Grows at its end; elements move then.
///
/// For one thread at a time, or for many that only read.
final class Column<Element: ~Copyable> {
    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private(set) var capacity: Int
    private var memory: Buffer
    private let name: StaticString

    /// - Parameter name: What it holds, for the error where there is no memory.
    init(_ name: StaticString, capacity: Int = 1) throws(VecStoreError) {
        self.name = name
        memory = try Column.memory(capacity, name)
        base = memory.base.assumingMemoryBound(to: Element.self)
        self.capacity = capacity
    }

    deinit { base.deinitialize(count: count) }

    private static func memory(_ capacity: Int, _ name: StaticString) throws(VecStoreError) -> Buffer {
        let (bytes, isTooLarge) = capacity.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        guard !isTooLarge else { throw VecStoreError(.tooLarge, "\(name): \(capacity) elements overflow") }
        return try allocate(UInt8.self, bytes, for: "\(name)")
    }

    var bytes: Int { memory.size }

    /// Makes room for `total` elements, so that as many can be there without an error.
    func reserve(_ total: Int) throws(VecStoreError) {
        if total > capacity { try move(to: max(total, capacity * 2, 64 / MemoryLayout<Element>.stride)) }
    }

    /// Gives memory back where much is unused. It stays where it is if there is none for the copy.
    func shrink() {
        if count < capacity / 4, capacity * MemoryLayout<Element>.stride > 64 { try? move(to: max(count, 1) * 2) }
    }

    private func move(to capacity: Int) throws(VecStoreError) {
        let next = try Column.memory(capacity, name)
        let start = next.base.assumingMemoryBound(to: Element.self)
        start.moveInitialize(from: base, count: count)
        base = start
        memory = next
        self.capacity = capacity
    }

    @inline(__always)
    func append(_ element: consuming Element) throws(VecStoreError) {
        if count == capacity { try reserve(count + 1) }
        (base + count).initialize(to: element)
        count += 1
    }
}

extension Column where Element: BitwiseCopyable {
    var elements: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: base, count: count) }

    /// Appends `element` until there are `total`.
    func extend(to total: Int, with element: Element) throws(VecStoreError) {
        guard total > count else { return }
        try reserve(total)
        (base + count).initialize(repeating: element, count: total - count)
        count = total
    }

    func append(contentsOf elements: UnsafeBufferPointer<Element>) throws(VecStoreError) {
        guard let start = elements.baseAddress else { return }
        try reserve(count + elements.count)
        (base + count).initialize(from: start, count: elements.count)
        count += elements.count
    }

    /// Puts `elements` in the place of those of `range`, which lies within it. `reserve` has made room.
    func replace(_ range: Range<Int>, with elements: UnsafeBufferPointer<Element>) {
        let tail = count - range.upperBound
        (base + range.lowerBound + elements.count).update(from: base + range.upperBound, count: tail)
        if let start = elements.baseAddress { (base + range.lowerBound).update(from: start, count: elements.count) }
        count += elements.count - range.count
    }

    func sort(_ isBefore: (Element, Element) -> Bool) {
        var elements = UnsafeMutableBufferPointer(start: base, count: count)
        elements.sort(by: isBefore)
    }

    /// Says how many elements there are, for who has written them at `base`. There is room for them.
    func setCount(_ count: Int) { self.count = count }
}
