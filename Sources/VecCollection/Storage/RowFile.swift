// SPDX-License-Identifier: Apache-2.0

import CVecShims
import Glibc
import Synchronization
import VecIndex
import VecKernelTypes

/// The vectors of one name: a file that grows at its end, one row after the other, and is mapped once and for all.
///
/// The map reaches far beyond the end of the file, so that rows keep their addresses while it grows. Nobody reads beyond the rows
/// that the database counts. What lies behind them is left over from a write that was never acknowledged, and is written over.
final class RowFile: @unchecked Sendable {
    // Safety: rows are written behind those that readers know of, by one writer at a time.

    /// Bytes before the first row. The header takes a part of them.
    static let headerBytes = 4096
    private static let magic: [UInt8] = Array("VECROWS\n".utf8)
    private static let version: UInt32 = 1
    private static let usedHeaderBytes = 64

    let file: FileHandle
    let stride: Int
    /// Row 0.
    let base: UnsafeRawPointer
    /// Rows that the map has room for.
    let capacity: Int
    /// The rows for a graph, as many as the collection has.
    let external: ExternalRows
    private let mappedBytes: Int

    /// The addresses of the map, most of which have no file behind them.
    var mappedRange: Range<UInt> {
        let start = UInt(bitPattern: base) - UInt(RowFile.headerBytes)
        return start..<(start + UInt(mappedBytes))
    }

    /// - Parameter settings: What the rows must be.
    static func create(_ path: String, _ settings: VectorSettings, collection: CollectionUUID, sync: Bool) throws(VecStoreError) {
        let file = try FileHandle.create(path)
        let header = try allocate(UInt8.self, headerBytes, for: "the header of a file")
        fill(header.base, settings, collection)
        try file.write(header.base, headerBytes, at: 0)
        if sync { try file.synchronize() }
    }

    init(
        _ path: String, _ settings: VectorSettings, collection: CollectionUUID, rows: Int, isWritable: Bool
    ) throws(VecStoreError) {
        file = isWritable ? try FileHandle.openForWriting(path) : try FileHandle.openForReading(path)
        stride = settings.rowSize
        try RowFile.checkHeader(file, settings, collection)
        let needed = (product(rows, stride) ?? .max / 2) + RowFile.headerBytes
        // As much address space as the system gives: it costs nothing before it is used.
        var bytes = 1 << 40
        var start: UnsafeMutableRawPointer?
        while bytes >= max(needed, 1 << 24) {
            let p = mmap(nil, bytes, PROT_READ, MAP_SHARED, file.descriptor, 0)
            if let p, p != MAP_FAILED {
                start = p
                break
            }
            bytes /= 2
        }
        guard let start else { throw systemError("map", path) }
        let map = Map(start, bytes)
        mappedBytes = bytes
        base = UnsafeRawPointer(start + RowFile.headerBytes)
        capacity = min((bytes - RowFile.headerBytes) / stride, Limits.graphRows)
        external = try ExternalRows(base, type: settings.type, dimension: settings.dimension, count: rows, owner: map)
        try checkSize(rows: rows)
    }

    /// The address space of the file.
    private final class Map {
        private let start: UnsafeMutableRawPointer
        private let bytes: Int

        init(_ start: UnsafeMutableRawPointer, _ bytes: Int) {
            self.start = start
            self.bytes = bytes
        }

        deinit { munmap(start, bytes) }
    }

    @inline(__always)
    func row(_ row: Int) -> UnsafeRawPointer { base + row * stride }

    /// Writes rows from row `first` on.
    func write(_ rows: UnsafeRawPointer, count: Int, at first: Int) throws(VecStoreError) {
        try checkRoom(first + count)
        try file.write(rows, count * stride, at: RowFile.headerBytes + first * stride)
    }

    /// Makes the file long enough for rows that have no vector here. A hole takes no disk.
    func skip(to rowCount: Int) throws(VecStoreError) {
        try checkRoom(rowCount)
        let needed = RowFile.headerBytes + rowCount * stride
        if try file.size() < needed { try file.resize(needed) }
    }

    /// Reads all rows, of which there are so many, into memory.
    func load(_ rows: Int) { MapAdvice.load(base - RowFile.headerBytes, RowFile.headerBytes + rows * stride) }

    /// Rows are read here and there.
    func useAtRandom() { MapAdvice.useAtRandom(base - RowFile.headerBytes, mappedBytes) }

    /// Lets go of the memory of all rows, of which there are so many.
    func release(_ rows: Int) { MapAdvice.release(base - RowFile.headerBytes, RowFile.headerBytes + rows * stride) }

    private func checkRoom(_ rowCount: Int) throws(VecStoreError) {
        guard rowCount <= capacity else {
            throw VecStoreError(
                .tooLarge,
                "'\(file.path)' has room for \(capacity) rows: compact the collection, or give the process more address space")
        }
    }

    /// Refuses a file that does not have so many rows.
    func checkSize(rows: Int) throws(VecStoreError) {
        let size = try file.size()
        guard let needed = product(rows, stride).map({ $0 + RowFile.headerBytes }), size >= needed, rows <= capacity else {
            throw VecStoreError(
                .corrupt, "'\(file.path)' has \(size) bytes: \(rows) rows of \(stride) bytes do not fit: it was cut short")
        }
    }

    // MARK: - The header

    private static func fill(_ target: UnsafeMutableRawPointer, _ settings: VectorSettings, _ collection: CollectionUUID) {
        for (i, byte) in magic.enumerated() { target.storeBytes(of: byte, toByteOffset: i, as: UInt8.self) }
        target.storeBytes(of: version.littleEndian, toByteOffset: 8, as: UInt32.self)
        target.storeBytes(of: settings.type.rawValue.littleEndian, toByteOffset: 12, as: UInt32.self)
        target.storeBytes(of: UInt64(settings.dimension).littleEndian, toByteOffset: 16, as: UInt64.self)
        target.storeBytes(of: UInt64(settings.rowSize).littleEndian, toByteOffset: 24, as: UInt64.self)
        target.storeBytes(of: collection.high.littleEndian, toByteOffset: 32, as: UInt64.self)
        target.storeBytes(of: collection.low.littleEndian, toByteOffset: 40, as: UInt64.self)
        target.storeBytes(of: vs_checksum(target, 56).littleEndian, toByteOffset: 56, as: UInt64.self)
    }

    private static func checkHeader(
        _ file: FileHandle, _ settings: VectorSettings, _ collection: CollectionUUID
    ) throws(VecStoreError) {
        let read = try allocate(UInt8.self, headerBytes, for: "the header of a file")
        try file.read(read.base, headerBytes, at: 0)
        let bytes = UnsafeRawBufferPointer(start: read.base, count: headerBytes)
        guard bytes.prefix(8).elementsEqual(magic) else {
            throw VecStoreError(.corrupt, "'\(file.path)' does not hold the vectors of a collection")
        }
        let version = UInt32(littleEndian: bytes.load(fromByteOffset: 8, as: UInt32.self))
        guard version <= RowFile.version else {
            throw VecStoreError(.newerVersion, "'\(file.path)' is of version \(version): this library reads up to \(RowFile.version)")
        }
        let wanted = try allocate(UInt8.self, headerBytes, for: "the header of a file")
        fill(wanted.base, settings, collection)
        guard memcmp(read.base, wanted.base, usedHeaderBytes) == 0 else {
            throw VecStoreError(.corrupt, "'\(file.path)' holds other vectors than its collection, or its header is damaged")
        }
    }
}
