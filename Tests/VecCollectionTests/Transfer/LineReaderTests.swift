// Lines of files.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex

@testable import VecCollection

struct LineReaderTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func lines(_ bytes: [UInt8]) throws -> [[UInt8]] {
        try directory.write(bytes, "lines")
        let reader = try LineReader(directory.path("lines"))
        var lines: [[UInt8]] = []
        while let line = try reader.next() {
            lines.append(Array(line))
            #expect(reader.number == lines.count)
        }
        #expect(reader.position == bytes.count)
        #expect(try reader.next() == nil)
        return lines
    }

    @Test(arguments: [
        ("", []), ("a", ["a"]), ("a\n", ["a"]), ("a\nb", ["a", "b"]), ("a\r\nb\r\n", ["a", "b"]), ("\n\n", ["", ""]), ("\r", [""]),
        ("a\rb\n", ["a\rb"]), ("\u{feff}a\n", ["a"]), ("\u{feff}", []),
    ])
    func linesEndWhereTheyEnd(text: String, expected: [String]) throws {
        #expect(try lines(Array(text.utf8)) == expected.map { Array($0.utf8) })
    }

    @Test func linesLongerThanTheMemoryAreWhole() throws {
        // Around the size of a piece, and some times as long.
        for length in [1 << 20, (1 << 20) - 1, (1 << 20) + 1, 5 << 20] {
            let long = (0..<length).map { UInt8(ascii: "a") + UInt8($0 % 23) }
            #expect(try lines(Array("x\n".utf8) + long + Array("\ny\n".utf8)) == [Array("x".utf8), long, Array("y".utf8)])
        }
    }

    @Test func manyLinesCrossTheEndsOfPieces() throws {
        let wanted = (0..<40_000).map { Array("line \($0) \(String(repeating: "z", count: $0 % 97))".utf8) }
        #expect(try lines(wanted.flatMap { $0 + [10] }) == wanted)
    }

    @Test func aDirectoryIsNoFile() {
        #expect(throws: VecStoreError.self) { try LineReader(directory.path("")) }
    }
}
