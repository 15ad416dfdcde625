// Memory that shows what a kernel reads or writes where it must not.
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Pages with an inaccessible page before and after: a read or a write past either end stops the process with SIGSEGV.
final class FencedMemory {
    private let mapping: UnsafeMutableRawPointer
    private let pageSize: Int
    let capacity: Int
    /// Bytes between the end and the fence. None but for emulators: see `Extent.quick`.
    private let slack: Int

    /// The first byte after the fence.
    var start: UnsafeMutableRawPointer { mapping + pageSize }
    /// The byte after the last.
    var end: UnsafeMutableRawPointer { start + capacity }
    /// The first byte that nobody may touch.
    var fence: UnsafeMutableRawPointer { end + slack }

    /// - Parameter bytes: The least room; there is more, up to a whole number of pages.
    init(_ bytes: Int, _ extent: Extent) {
        pageSize = sysconf(Int32(_SC_PAGESIZE))
        slack = extent == .quick ? 64 : 0
        let inside = (bytes + slack + pageSize - 1) / pageSize * pageSize
        capacity = inside - slack
        let address = mmap(nil, inside + 2 * pageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let address, address != MAP_FAILED else { fatalError("mmap: no memory for the test data") }
        mapping = address
        // NaN for floats: what is read here and used spoils the result.
        memset(end, 0xFF, slack)
        guard mprotect(address, pageSize, PROT_NONE) == 0, mprotect(fence, pageSize, PROT_NONE) == 0 else {
            fatalError("mprotect: no fence around the test data")
        }
    }

    deinit { munmap(mapping, fence - mapping + pageSize) }

    /// Room for `size` bytes: the last bytes before the fence, or the first ones after `offset` others.
    func room(_ size: Int, atEnd: Bool, offset: Int = 0) -> UnsafeMutableRawPointer {
        precondition(size + offset <= capacity, "the test data need more room")
        return atEnd ? end - size : start + offset
    }

    /// Copies bytes to the room for them.
    func put(_ bytes: [UInt8], atEnd: Bool, offset: Int = 0) -> UnsafeRawPointer {
        let room = room(bytes.count, atEnd: atEnd, offset: offset)
        if !bytes.isEmpty { memcpy(room, bytes, bytes.count) }
        return UnsafeRawPointer(room)
    }

    /// Copies numbers to the room for them.
    func put<Number: BitwiseCopyable>(_ numbers: [Number], atEnd: Bool, offset: Int = 0) -> UnsafePointer<Number> {
        numbers.withUnsafeBytes { bytes in
            let room = room(bytes.count, atEnd: atEnd, offset: offset)
            if bytes.count > 0 { memcpy(room, bytes.baseAddress!, bytes.count) }
            return UnsafePointer(room.assumingMemoryBound(to: Number.self))
        }
    }
}

/// Room for the output of one call. The bytes around it are known, so that a write outside is seen.
struct GuardedOutput {
    private static let pattern: UInt8 = 0xA5
    private static let guardSize = 256

    private let memory: FencedMemory
    private let size: Int
    private let address: UnsafeMutableRawPointer
    private let before: Int
    private let after: Int

    init(_ memory: FencedMemory, size: Int, atEnd: Bool, offset: Int = 0) {
        self.memory = memory
        self.size = size
        address = memory.room(size, atEnd: atEnd, offset: offset)
        before = min(GuardedOutput.guardSize, address - memory.start)
        after = min(GuardedOutput.guardSize, memory.fence - (address + size))
        memset(address - before, Int32(GuardedOutput.pattern), before + size + after)
    }

    var raw: UnsafeMutableRawPointer { address }

    func pointer<Number>(to _: Number.Type) -> UnsafeMutablePointer<Number> {
        address.assumingMemoryBound(to: Number.self)
    }

    func values<Number: BitwiseCopyable>(_: Number.Type, _ count: Int) -> [Number] {
        (0..<count).map { address.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Number>.stride, as: Number.self) }
    }

    /// Whether nothing was written before or after the room.
    var isIntact: Bool {
        isUntouched(from: -before, to: 0) && isUntouched(from: size, to: size + after)
    }

    /// Whether nothing was written to the bytes from `from` on, before `to`.
    func isUntouched(from: Int, to: Int) -> Bool {
        (from..<max(from, to)).allSatisfy {
            address.load(fromByteOffset: $0, as: UInt8.self) == GuardedOutput.pattern
        }
    }
}
