// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// Strings of bytes, numbered from 0 on in the order in which they came: a hash table with linear probing.
///
/// One thread adds keys; many may look for them at other times.
final class KeyTable {
    /// The hash of a key in the upper half, its number + 1 in the lower one; 0 marks an empty place.
    private let places: Column<UInt64>
    private let text: Column<UInt8>
    /// Where a key ends in `text`.
    private let ends: Column<Int>

    static let mostKeys = 1 << 31

    init(capacity: Int = 16) throws(VecStoreError) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        places = try Column("a table of keys")
        try places.extend(to: size, with: 0)
        text = try Column("the text of keys")
        ends = try Column("the places of keys")
    }

    /// Those of a file.
    init(_ file: FieldReader) throws(VecStoreError) {
        ends = try file.column("the places of keys")
        text = try file.column("the text of keys")
        var size = 16
        while size < ends.count * 2 { size *= 2 }
        places = try Column("a table of keys")
        try places.extend(to: size, with: 0)
        guard ends.count <= KeyTable.mostKeys, ends.elements.isAscending(upTo: text.count) else { throw file.damage("keys") }
        let entries = try Column<UInt64>("keys to enter", capacity: ends.count)
        for number in 0..<ends.count { try entries.append(KeyTable.hash(self[number]) << 32 | UInt64(number + 1)) }
        let sorted = try sorted(entries)
        for i in 0..<sorted.count {
            let entry = sorted.base[i]
            var place = Int(entry >> 32) & (size - 1)
            while places.base[place] != 0 {
                let other = places.base[place]
                if other >> 32 == entry >> 32, isEqual(key(other), key(entry)) { throw file.damage("a key that comes twice") }
                place = (place + 1) & (size - 1)
            }
            places.base[place] = entry
        }
    }

    private func key(_ entry: UInt64) -> UnsafeBufferPointer<UInt8> { self[Int(entry & 0xffff_ffff) - 1] }

    /// Entries in the order of the parts of the table that they belong to, of which the processor's cache has one at a time: to
    /// enter many keys here and there takes several times as long.
    private func sorted(_ entries: Column<UInt64>) throws(VecStoreError) -> Column<UInt64> {
        let mask = UInt64(places.count - 1)
        let shift = UInt64(max(places.count.trailingZeroBitCount - 8, 0))
        let sorted = try Column<UInt64>("keys to enter", capacity: entries.count)
        let starts = try Column<Int>("parts of a table", capacity: 257)
        try starts.extend(to: 257, with: 0)
        for entry in entries.elements { starts.base[Int((entry >> 32 & mask) >> shift) + 1] += 1 }
        for part in 0..<256 { starts.base[part + 1] += starts.base[part] }
        for entry in entries.elements {
            let part = Int((entry >> 32 & mask) >> shift)
            sorted.base[starts.base[part]] = entry
            starts.base[part] += 1
        }
        sorted.setCount(entries.count)
        return sorted
    }

    func write(_ file: FieldFileWriter) throws(VecStoreError) {
        try file.append(ends)
        try file.append(text)
    }

    var bytes: Int { places.bytes + text.bytes + ends.bytes }

    var count: Int { ends.count }

    /// It stays where it is until the next key is added.
    subscript(number: Int) -> UnsafeBufferPointer<UInt8> {
        let start = number > 0 ? ends.base[number - 1] : 0
        return UnsafeBufferPointer(start: text.base + start, count: ends.base[number] - start)
    }

    /// Seeded anew in each process: nobody can choose keys that meet.
    private static func hash(_ key: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(bytes: UnsafeRawBufferPointer(key))
        return UInt64(UInt32(truncatingIfNeeded: hasher.finalize()))
    }

    func number(of key: UnsafeBufferPointer<UInt8>) -> Int? { find(key, KeyTable.hash(key)).number }

    /// The number of a key, or the empty place where it belongs.
    private func find(_ key: UnsafeBufferPointer<UInt8>, _ hash: UInt64) -> (number: Int?, place: Int) {
        let mask = places.count - 1
        var place = Int(hash) & mask
        while places.base[place] != 0 {
            let entry = places.base[place]
            let number = Int(entry & 0xffff_ffff) - 1
            if entry >> 32 == hash, isEqual(self[number], key) { return (number, place) }
            place = (place + 1) & mask
        }
        return (nil, place)
    }

    /// The number of a key, which is added where it is not there yet. Where it throws, nothing has changed.
    func add(_ key: UnsafeBufferPointer<UInt8>) throws(VecStoreError) -> Int {
        let hash = KeyTable.hash(key)
        if let number = find(key, hash).number { return number }
        guard count < KeyTable.mostKeys else {
            throw VecStoreError(.tooLarge, "a field has more than \(KeyTable.mostKeys) different values")
        }
        // At most every second place is taken: probes stay short.
        if (count + 1) * 2 > places.count { try grow() }
        try ends.reserve(count + 1)
        try text.append(contentsOf: key)
        try ends.append(text.count)
        places.base[find(key, hash).place] = hash << 32 | UInt64(count)
        return count - 1
    }

    private func grow() throws(VecStoreError) {
        let old = places.count
        let entries = try Column<UInt64>("a table of keys", capacity: count)
        for i in 0..<old where places.base[i] != 0 { try entries.append(places.base[i]) }
        try places.extend(to: old * 2, with: 0)
        places.base.update(repeating: 0, count: places.count)
        let mask = places.count - 1
        for i in 0..<entries.count {
            var place = Int(entries.base[i] >> 32) & mask
            while places.base[place] != 0 { place = (place + 1) & mask }
            places.base[place] = entries.base[i]
        }
    }
}

private func isEqual(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Bool {
    guard a.count == b.count, let a = a.baseAddress, let start = b.baseAddress else { return a.count == b.count }
    return memcmp(a, start, b.count) == 0
}

/// Whether `a` comes before `b`, byte by byte.
func isBefore(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Bool {
    let common = min(a.count, b.count)
    if common > 0, let first = a.baseAddress, let second = b.baseAddress {
        let order = memcmp(first, second, common)
        if order != 0 { return order < 0 }
    }
    return a.count < b.count
}
