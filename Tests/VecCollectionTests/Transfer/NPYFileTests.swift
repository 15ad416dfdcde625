// Files of NumPy: what they say, and what they must not say.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import VecIndex
import VecKernelTypes

@testable import VecCollection

struct NPYFileTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func file(
        _ header: String, version: UInt8 = 1, data: Int, length: Int? = nil, magic: String = "NUMPY"
    ) throws -> NPYFile {
        let text = Array(header.utf8), count = length ?? text.count
        var bytes: [UInt8] = [0x93] + Array(magic.utf8) + [version, 0]
        bytes += (0..<(version == 1 ? 2 : 4)).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
        bytes += text + [UInt8](repeating: 0, count: data)
        try directory.write(bytes, "v.npy")
        return try NPYFile(directory.path("v.npy"))
    }

    private static let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }          \n"

    @Test(arguments: [UInt8(1), 2, 3])
    func allVersionsAreRead(version: UInt8) throws {
        let read = try file(NPYFileTests.good, version: version, data: 24)
        #expect(read.rows == 3 && read.dimension == 2 && read.type == .float32)
    }

    @Test(arguments: [
        "{'shape': (3, 2), 'fortran_order': False, 'descr': '<f4'}", "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (3,2)}",
        "{'descr':'<f4','fortran_order':False,'shape':(3L, 2L,),}\n", " { 'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 3 , 2 ) } ",
    ])
    func theDictIsReadHoweverItIsWritten(header: String) throws {
        #expect(try file(header, data: 24).rows == 3)
    }

    @Test func halfFloatsAreRead() throws {
        let read = try file("{'descr': '<f2', 'fortran_order': False, 'shape': (2, 4)}", data: 16)
        #expect(read.type == .float16 && read.rows == 2 && read.rowSize == 8)
    }

    @Test(arguments: [
        "", "{", "{}", "}", "[1]", "{'descr': '<f4'}", "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2)}",
        "{'descr': '>f4', 'fortran_order': False, 'shape': (3, 2)}", "{'descr': '|O', 'fortran_order': False, 'shape': (3, 2)}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3, 2)}", "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (3, 2)}", "{'descr': '<f4', 'fortran_order': False, 'shape': (6,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': ()}", "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2, 1)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, -2)}", "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 0)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 65537)}", "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)} x",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), 'more': 1}", "{'descr' '<f4', 'fortran_order': False, 'shape': (3, 2)}",
        "{'descr': '<f4' 'fortran_order': False 'shape': (3, 2)}", "{'descr': '<f4', 'fortran_order': False, 'shape': (3 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2", "{'descr': '<f4", "{'de\\u0073cr': '<f4'}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2)}", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}",
    ])
    func whatIsNotAnArrayOfRowsIsRefused(header: String) {
        #expect(throws: VecStoreError.self) { try file(header, data: 24) }
    }

    @Test func filesThatAreNoneOrCutShortAreRefused() throws {
        #expect(throws: VecStoreError.self) { try file(NPYFileTests.good, data: 24, magic: "NUMPI") }
        #expect(throws: VecStoreError.self) { try file(NPYFileTests.good, version: 4, data: 24) }
        #expect(throws: VecStoreError.self) { try file(NPYFileTests.good, data: 24, length: 60_000) }
        #expect(throws: VecStoreError.self) { try file(NPYFileTests.good, version: 2, data: 24, length: 0xffff_ffff) }
        #expect(throws: VecStoreError.self) { try file(NPYFileTests.good, data: 23) }
        try directory.write([], "empty.npy")
        #expect(throws: VecStoreError.self) { try NPYFile(directory.path("empty.npy")) }
        #expect(throws: VecStoreError.self) { try NPYFile(directory.path("none.npy")) }
    }

    @Test func noHeaderEndsTheProcess() throws {
        // Every byte of a header changed, and the header cut everywhere.
        let text = Array(NPYFileTests.good.utf8)
        for i in text.indices {
            for byte in [UInt8(0), UInt8(ascii: "("), UInt8(ascii: "'"), UInt8(ascii: "9"), 0xff] {
                var changed = text
                changed[i] = byte
                _ = try? changed.withUnsafeBufferPointer { bytes throws(VecStoreError) in try NPYHeader(bytes) }
            }
            _ = try? text[..<i].withUnsafeBufferPointer { bytes throws(VecStoreError) in try NPYHeader(bytes) }
        }
        #expect(try file(NPYFileTests.good, data: 24).rows == 3)
    }

    @Test(arguments: [(0, 1), (1, 2), (2_147_483_646, 65_536)])
    func aHeaderThatIsWrittenIsRead(rows: Int, dimension: Int) throws {
        for type in [ElementType.float32, .float16] {
            let bytes = NPYFile.header(type, rows: rows, dimension: dimension)
            #expect(bytes.count == NPYFile.writtenHeaderBytes && bytes.count % 64 == 0 && bytes.last == 10)
            let header = try bytes[10...].withUnsafeBufferPointer { bytes throws(VecStoreError) in try NPYHeader(bytes) }
            #expect(header.rows == rows && header.dimension == dimension && header.type == type)
        }
    }
}
