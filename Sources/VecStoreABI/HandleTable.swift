// SPDX-License-Identifier: Apache-2.0

import Synchronization
import VecIndex

/// What a handle stands for. The raw value is the top byte of the handle: no address of a program has such bits, so a
/// handle that is taken for a pointer faults at once.
enum HandleKind: UInt64 {
    case index = 0xA1
    case rangeResult = 0xA2
    case quantizer = 0xA3
    case collection = 0xA4
    case hits = 0xA5
    case cache = 0xA6
    case cacheHits = 0xA7
    case valueCache = 0xA8
    case values = 0xA9
    case rateLimiter = 0xAA

    var name: String {
        switch self {
        case .index: "vecstore_index"
        case .rangeResult: "vecstore_range_result"
        case .quantizer: "vecstore_quantizer"
        case .collection: "vecstore_collection"
        case .hits: "vecstore_hits"
        case .cache: "vecstore_cache"
        case .cacheHits: "vecstore_cache_hits"
        case .valueCache: "vecstore_value_cache"
        case .values: "vecstore_values"
        case .rateLimiter: "vecstore_rate_limiter"
        }
    }
}

/// The objects that callers hold, by handles that are numbers and not addresses: kind, generation, place.
///
/// A handle that was freed, or never was one, is recognised whatever its bits are, and never followed. Asking is free of
/// locks: a place counts the calls that use its object, and the last one out releases it.
final class HandleTable: @unchecked Sendable {
    // Safety: `free` and `used` are touched under `lock`; an entry's object is written before its state says alive, and
    // released after the state says that nobody uses it.

    static let shared = HandleTable()

    private struct Entry: ~Copyable {
        /// Generation (32 bits), alive (1 bit), number of calls that use the object (31 bits).
        let state = Atomic<UInt64>(0)
        /// Of the handle that was given out last.
        let kind = Atomic<UInt64>(0)
        var object: AnyObject?
    }

    private static let aliveBit: UInt64 = 1 << 31
    private static let usersMask: UInt64 = aliveBit - 1
    private static let chunkSize = 1024
    private static let chunkCount = 16_384

    /// Chunks stay where they are for the life of the process.
    private let chunks: UnsafeMutablePointer<Atomic<UInt>>
    private let lock = Lock()
    private var free: [Int] = []
    private var used = 0

    private init() {
        chunks = .allocate(capacity: HandleTable.chunkCount)
        for i in 0..<HandleTable.chunkCount { (chunks + i).initialize(to: Atomic<UInt>(0)) }
    }

    private func entry(_ place: Int) -> UnsafeMutablePointer<Entry>? {
        guard place < HandleTable.chunkSize * HandleTable.chunkCount else { return nil }
        let address = chunks[place / HandleTable.chunkSize].load(ordering: .acquiring)
        guard let chunk = UnsafeMutablePointer<Entry>(bitPattern: address) else { return nil }
        return chunk + place % HandleTable.chunkSize
    }

    // MARK: - Making and freeing

    func make(_ object: AnyObject, _ kind: HandleKind) throws(VecStoreError) -> OpaquePointer {
        let place = try lock.withLock { () throws(VecStoreError) -> Int in
            if let place = free.popLast() { return place }
            guard used < HandleTable.chunkSize * HandleTable.chunkCount else {
                throw VecStoreError(.tooLarge, "there are \(used) handles: free some")
            }
            if used % HandleTable.chunkSize == 0 {
                let chunk = UnsafeMutablePointer<Entry>.allocate(capacity: HandleTable.chunkSize)
                for i in 0..<HandleTable.chunkSize { (chunk + i).initialize(to: Entry()) }
                chunks[used / HandleTable.chunkSize].store(UInt(bitPattern: chunk), ordering: .releasing)
            }
            used += 1
            return used - 1
        }
        guard let entry = entry(place) else { throw VecStoreError(.internalError, "a handle has no place") }
        entry.pointee.object = object
        entry.pointee.kind.store(kind.rawValue, ordering: .relaxed)
        let generation = entry.pointee.state.load(ordering: .relaxed) >> 32
        entry.pointee.state.store(generation << 32 | HandleTable.aliveBit, ordering: .releasing)
        let bits = kind.rawValue << 56 | (generation & 0xffff_ffff) << 24 | UInt64(place)
        guard let handle = OpaquePointer(bitPattern: UInt(bits)) else {
            throw VecStoreError(.internalError, "a handle is null")
        }
        return handle
    }

    /// Does nothing where the handle is not alive.
    func release(_ handle: OpaquePointer?, _ kind: HandleKind) {
        guard let handle, let (entry, place, generation) = find(handle, kind) else { return }
        var state = entry.pointee.state.load(ordering: .acquiring)
        while state >> 32 == generation && state & HandleTable.aliveBit != 0 {
            let dead = state & ~HandleTable.aliveBit
            let (done, seen) = entry.pointee.state.compareExchange(
                expected: state, desired: dead, ordering: .acquiringAndReleasing)
            if done {
                if dead & HandleTable.usersMask == 0 { reclaim(entry, place, generation) }
                return
            }
            state = seen
        }
    }

    // MARK: - Using

    /// Calls `body` with the object of a handle, which lives until `body` returns.
    func with<T: AnyObject, R>(
        _ handle: OpaquePointer?, _ kind: HandleKind, as _: T.Type, _ body: (T) throws(VecStoreError) -> R
    ) throws(VecStoreError) -> R {
        guard let handle else {
            throw VecStoreError(.invalidArgument, "the \(kind.name) is NULL")
        }
        guard let (entry, place, generation) = find(handle, kind), enter(entry, generation) else {
            throw VecStoreError(.invalidHandle, "this is not a \(kind.name), or one that was freed")
        }
        defer { leave(entry, place, generation) }
        guard let object = entry.pointee.object as? T else {
            throw VecStoreError(.invalidHandle, "this is not a \(kind.name)")
        }
        return try body(object)
    }

    private func find(
        _ handle: OpaquePointer, _ kind: HandleKind
    ) -> (UnsafeMutablePointer<Entry>, place: Int, generation: UInt64)? {
        let bits = UInt64(UInt(bitPattern: handle))
        guard bits >> 56 == kind.rawValue else { return nil }
        let place = Int(bits & 0xff_ffff)
        // Places are shared by all kinds: without this a made-up handle would free an object of another one.
        guard let entry = entry(place), entry.pointee.kind.load(ordering: .relaxed) == kind.rawValue else { return nil }
        return (entry, place, bits >> 24 & 0xffff_ffff)
    }

    private func enter(_ entry: UnsafeMutablePointer<Entry>, _ generation: UInt64) -> Bool {
        var state = entry.pointee.state.load(ordering: .acquiring)
        while state >> 32 == generation && state & HandleTable.aliveBit != 0 {
            let (done, seen) = entry.pointee.state.compareExchange(
                expected: state, desired: state + 1, ordering: .acquiringAndReleasing)
            if done { return true }
            state = seen
        }
        return false
    }

    private func leave(_ entry: UnsafeMutablePointer<Entry>, _ place: Int, _ generation: UInt64) {
        let state = entry.pointee.state.subtract(1, ordering: .acquiringAndReleasing).newValue
        if state & (HandleTable.aliveBit | HandleTable.usersMask) == 0 { reclaim(entry, place, generation) }
    }

    /// The handle is dead and nobody uses its object: only one thread gets here.
    private func reclaim(_ entry: UnsafeMutablePointer<Entry>, _ place: Int, _ generation: UInt64) {
        entry.pointee.object = nil
        entry.pointee.state.store(((generation + 1) & 0xffff_ffff) << 32, ordering: .releasing)
        lock.withLock { free.append(place) }
    }
}
