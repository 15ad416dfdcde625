// The header of a file and the table of its sections.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VecKernelTypes

@testable import VecIndex

@Suite("File header")
struct HeaderTests {
    /// Reads the header of a file that lies in memory.
    static func decode(_ bytes: [UInt8]) throws -> FileHeader {
        try FileHeader.decode(path: "file", fileSize: bytes.count) { (at, count, out) throws(VecStoreError) in
            guard at >= 0, count >= 0, at + count <= bytes.count else {
                throw VecStoreError(.internalError, "bytes \(at) to \(at + count) of \(bytes.count)")
            }
            bytes.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                out.copyMemory(from: base + at, byteCount: count)
            }
        }
    }

    private static func header(
        _ setting: Setting, codes: Bool = false, count: Int = 7, idsAscend: Bool = true
    ) -> (FileHeader, fileSize: Int) {
        let shape = RowShape(dimension: 19, metric: setting.metric, type: setting.type, keepsCodes: codes)
        var header = FileHeader(shape: shape, count: count, nextID: 1 << 40, idsAscend: idsAscend)
        let size = header.layOut()
        for i in header.sections.indices { header.sections[i].checksum = UInt64(i) &* 0x1234_5678_9abc_def1 }
        return (header, size)
    }

    /// A whole file: the header, and zeros for the sections.
    private static func file(_ header: FileHeader, _ size: Int) -> [UInt8] {
        let encoded = header.encode(fileSize: size)
        return encoded + [UInt8](repeating: 0, count: size - encoded.count)
    }

    @Test("what was encoded is decoded", arguments: Setting.all)
    func roundTrip(setting: Setting) throws {
        let possible = setting.type.isFloat && setting.metric != .l1
        for codes in possible ? [true, false] : [false] {
            for idsAscend in [true, false] {
                for count in [0, 1, 1000] {
                    let (header, size) = HeaderTests.header(setting, codes: codes, count: count, idsAscend: idsAscend)
                    let got = try HeaderTests.decode(HeaderTests.file(header, size))
                    #expect(got.shape.dimension == 19)
                    #expect(got.shape.metric == setting.metric)
                    #expect(got.shape.type == setting.type)
                    #expect(got.shape.keepsCodes == codes)
                    #expect(got.count == count)
                    #expect(got.nextID == 1 << 40)
                    #expect(got.idsAscend == idsAscend)
                    #expect(got.sections.map(\.kind) == header.sections.map(\.kind))
                    #expect(got.sections.map(\.offset) == header.sections.map(\.offset))
                    #expect(got.sections.map(\.size) == header.sections.map(\.size))
                    #expect(got.sections.map(\.checksum) == header.sections.map(\.checksum))
                }
            }
        }
    }

    @Test("sections are aligned to 64 bytes, one behind the other, and have the sizes of their columns")
    func layout() {
        let (header, size) = HeaderTests.header(
            Setting(metric: .cosine, type: .float16), codes: true, count: 10, idsAscend: false)
        #expect(header.sections.map(\.kind) == [.rows, .ids, .idOrder, .inverseNorms, .codes, .codeScale, .codeError])
        #expect(header.sections.map(\.size) == [10 * 38, 80, 40, 80, 190, 40, 40])
        var end = header.size
        for section in header.sections {
            #expect(section.offset % 64 == 0)
            #expect(section.offset >= end && section.offset < end + 64)
            end = section.offset + section.size
        }
        #expect(size == end)
    }

    @Test("a newer format is refused by its number, a version that never was is not one")
    func versions() {
        let newer = expectError(.newerVersion) { _ = try HeaderTests.decode(HeaderTests.patched(8, UInt32(3))) }
        #expect(newer.contains("format version 3"))
        expectError(.corrupt) { _ = try HeaderTests.decode(HeaderTests.patched(8, UInt32(0))) }
        // Version 2 has a flag that this file has not.
        expectError(.corrupt) { _ = try HeaderTests.decode(HeaderTests.patched(8, UInt32(2))) }
    }

    @Test("the other byte order is refused by name")
    func byteOrder() {
        let message = expectError(.corrupt) {
            _ = try HeaderTests.decode(HeaderTests.patched(12, UInt32(0x0403_0201)))
        }
        #expect(message.contains("byte order"))
    }

    /// Fields that make no sense, in a header whose checksum is right.
    @Test(
        "a field out of its range is refused",
        arguments: [
            (16, 5), (24, 0), (24, 5000), (28, 0), (28, 65), (28, 0xffff_ffff), (32, 0), (32, 2), (36, 0), (36, 65_537), (40, 0),
            (40, 5), (40, 99), (44, 0), (44, 6), (44, 7), (48, 6), (48, 0xffff_ffff), (64, 0), (64, 4), (68, 1), (108, 1),
        ])
    func badField(offset: Int, value: UInt32) {
        expectError(.corrupt) { _ = try HeaderTests.decode(HeaderTests.patched(offset, value)) }
    }

    @Test("counts and sizes that overflow are refused", arguments: [UInt64.max, 1 << 63, 1 << 40])
    func overflow(value: UInt64) {
        for offset in [16, 48] {
            expectError(.corrupt) { _ = try HeaderTests.decode(HeaderTests.patched(offset, value)) }
        }
    }

    @Test("every byte of header and table is under a checksum")
    func everyByte() {
        let (header, size) = HeaderTests.header(Setting(metric: .l2Squared, type: .float32))
        let bytes = HeaderTests.file(header, size)
        for i in 0..<header.size {
            var damaged = bytes
            damaged[i] ^= 0x10
            expectError(.corrupt) { _ = try HeaderTests.decode(damaged) }
        }
    }

    /// A file with one field of its header set, and the checksum of the header right.
    private static func patched<I: FixedWidthInteger>(_ offset: Int, _ value: I) -> [UInt8] {
        let (header, size) = header(Setting(metric: .l2Squared, type: .float32))
        var bytes = file(header, size)
        bytes.replaceSubrange(offset..<(offset + MemoryLayout<I>.size), with: withUnsafeBytes(of: value) { Array($0) })
        let sum = checksum(of: Array(bytes[..<120]))
        bytes.replaceSubrange(120..<128, with: withUnsafeBytes(of: sum) { Array($0) })
        return bytes
    }
}
