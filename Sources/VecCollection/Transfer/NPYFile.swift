// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

/// A file of vectors as NumPy writes them (formats 1, 2 and 3): a header, then the rows, one after the other.
struct NPYFile {
    let path: String
    let type: ElementType
    let rows: Int
    let dimension: Int
    private let file: FileHandle
    private let offset: Int

    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    /// NumPy itself takes 10,000.
    private static let mostHeaderBytes = 1 << 16

    /// Refuses what is not an array of two axes, of float32 or float16, as long as its header says.
    init(_ path: String) throws(VecStoreError) {
        self.path = path
        file = try FileHandle.openForReading(path)
        let size = try file.size()
        func damaged(_ reason: String) -> VecStoreError { VecStoreError(.corrupt, "'\(path)': \(reason)") }
        guard size >= 12 else { throw damaged("\(size) bytes are no .npy file") }
        let start = try allocate(UInt8.self, 12, for: "the header of '\(path)'")
        try file.read(start.base, 12, at: 0)
        let bytes = UnsafeRawBufferPointer(start: start.base, count: 12)
        guard bytes.prefix(6).elementsEqual(NPYFile.magic) else { throw damaged("this is no .npy file") }
        let prefix: Int, length: Int
        switch bytes[6] {
        case 1: (prefix, length) = (10, Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self))))
        case 2, 3: (prefix, length) = (12, Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))))
        default: throw VecStoreError(.newerVersion, "'\(path)' is a .npy file of version \(bytes[6]): 1, 2 and 3 are read")
        }
        guard length <= NPYFile.mostHeaderBytes, length <= size - prefix else {
            throw damaged("a header of \(length) bytes: \(min(NPYFile.mostHeaderBytes, size - prefix)) are the most here")
        }
        let text = try allocate(UInt8.self, max(length, 1), for: "the header of '\(path)'")
        try file.read(text.base, length, at: prefix)
        let header: NPYHeader
        do throws(VecStoreError) {
            header = try NPYHeader(UnsafeBufferPointer(start: text.pointer(UInt8.self), count: length))
        } catch {
            throw VecStoreError(error.code, "'\(path)': \(error.message)")
        }
        (type, rows, dimension) = (header.type, header.rows, header.dimension)
        offset = prefix + length
        guard let needed = product(rows, type.rowSize(dimension)), needed == size - offset else {
            throw damaged("\(size - offset) bytes behind the header, where \(rows) rows of \(dimension) \(type.name) are announced")
        }
    }

    var rowSize: Int { type.rowSize(dimension) }

    func read(_ row: Int, into target: UnsafeMutableRawPointer) throws(VecStoreError) {
        try file.read(target, rowSize, at: offset + row * rowSize)
    }

    // MARK: - Writing

    /// Bytes of the header that is written, whatever it says: so it can be written last.
    static let writtenHeaderBytes = 128

    static func header(_ type: ElementType, rows: Int, dimension: Int) -> [UInt8] {
        let descr = type == .float16 ? "<f2" : "<f4"
        let text = "{'descr': '\(descr)', 'fortran_order': False, 'shape': (\(rows), \(dimension)), }"
        var bytes = magic + [1, 0, UInt8(writtenHeaderBytes - 10), 0] + Array(text.utf8)
        bytes += [UInt8](repeating: UInt8(ascii: " "), count: writtenHeaderBytes - 1 - bytes.count) + [UInt8(ascii: "\n")]
        return bytes
    }
}
