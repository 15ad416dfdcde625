// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What the system says of the maps of this process.
package enum ResidentMaps {
    /// Bytes of each range that lie in the memory of this process; 0 where the system does not tell.
    package static func bytes(of ranges: [Range<UInt>]) -> [Int] {
        var sums = [Int](repeating: 0, count: ranges.count)
        var place: Int?
        for line in lines("/proc/self/smaps") {
            if let range = mapRange(line) {
                place = ranges.firstIndex { $0.contains(range.lowerBound) }
            } else if let known = place, line.starts(with: "Rss:".utf8) {
                sums[known] += 1024 * (number(line) ?? 0)
                place = nil
            }
        }
        return sums
    }

    private static func lines(_ path: String) -> [ArraySlice<UInt8>] {
        let fd = retry { open(path, O_RDONLY | O_CLOEXEC) }
        guard fd >= 0 else { return [] }
        defer { close(fd) }
        var bytes: [UInt8] = [], part = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let n = retry { read(fd, &part, part.count) }
            guard n > 0 else { break }
            bytes += part[..<n]
        }
        return bytes.split(separator: UInt8(ascii: "\n"))
    }

    /// "7f0000000000-7f0000001000 r--s …"
    private static func mapRange(_ line: ArraySlice<UInt8>) -> Range<UInt>? {
        guard let dash = line.firstIndex(of: UInt8(ascii: "-")),
            let space = line[dash...].firstIndex(of: UInt8(ascii: " ")),
            let start = UInt(String(decoding: line[..<dash], as: UTF8.self), radix: 16),
            let end = UInt(String(decoding: line[line.index(after: dash)..<space], as: UTF8.self), radix: 16), start < end
        else { return nil }
        return start..<end
    }

    /// "Rss:                 4 kB"
    private static func number(_ line: ArraySlice<UInt8>) -> Int? {
        Int(String(decoding: line.filter { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }, as: UTF8.self))
    }
}

/// Says how memory that is a map of a file will be used.
package enum MapAdvice {
    /// Reads all of it, and waits until it is there.
    package static func load(_ start: UnsafeRawPointer, _ count: Int) {
        let page = 4096
        // MADV_POPULATE_READ, of Linux 5.14; else each page is touched.
        if madvise(UnsafeMutableRawPointer(mutating: start), count, 22) == 0 { return }
        var sum: UInt8 = 0
        for offset in stride(from: 0, to: count, by: page) { sum ^= (start + offset).load(as: UInt8.self) }
        withExtendedLifetime(sum) {}
    }

    /// Rows are read here and there: nothing around them is read along.
    package static func useAtRandom(_ start: UnsafeRawPointer, _ count: Int) {
        _ = madvise(UnsafeMutableRawPointer(mutating: start), count, Int32(MADV_RANDOM))
    }

    /// Takes whole pages out of the memory of this process. They are read anew where somebody wants them.
    package static func release(_ start: UnsafeRawPointer, _ count: Int) {
        _ = madvise(UnsafeMutableRawPointer(mutating: start), count, Int32(MADV_DONTNEED))
    }
}
