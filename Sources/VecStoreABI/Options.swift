// SPDX-License-Identifier: Apache-2.0

import CVecStore
import VecIndex
import VecKernelTypes

// Option structs: each begins with the size that its caller was compiled with.

/// The caller's options over the defaults.
/// - Parameter defaults: Also tells what the struct's size was in the first version: it has not grown since.
func read<T>(_ options: UnsafePointer<T>?, over defaults: T, _ name: String) throws(VecStoreError) -> T {
    guard let options else { return defaults }
    let bytes = UnsafeRawPointer(options)
    let size = Int(bytes.load(as: UInt32.self))
    let known = MemoryLayout<T>.size
    try checkSize(size, known, name)
    for i in known..<max(size, known) where bytes.load(fromByteOffset: i, as: UInt8.self) != 0 {
        throw VecStoreError(
            .invalidArgument,
            "\(name) has fields that this library (\(VECSTORE_VERSION_STRING)) does not know, and they are not 0")
    }
    var result = defaults
    withUnsafeMutableBytes(of: &result) { target in
        target.copyMemory(from: UnsafeRawBufferPointer(start: bytes, count: min(size, known)))
    }
    return result
}

/// Fills in as much of an output struct as its caller knows of.
func write<T>(_ value: T, to out: UnsafeMutablePointer<T>, _ name: String) throws(VecStoreError) {
    let target = UnsafeMutableRawPointer(out)
    let size = Int(target.load(as: UInt32.self))
    let known = MemoryLayout<T>.size
    try checkSize(size, known, name)
    withUnsafeBytes(of: value) { source in
        // The first four bytes stay what the caller wrote.
        let count = min(size, known) - 4
        if let base = source.baseAddress { (target + 4).copyMemory(from: base + 4, byteCount: count) }
    }
    if size > known { (target + known).initializeMemory(as: UInt8.self, repeating: 0, count: size - known) }
}

private func checkSize(_ size: Int, _ least: Int, _ name: String) throws(VecStoreError) {
    guard size >= least && size <= 4096 else {
        throw VecStoreError(
            .invalidArgument,
            "\(name).struct_size is \(size): allowed is \(least) to 4096; begin with the INIT macro of the struct")
    }
}

func checkedOptions(_ options: UnsafePointer<vecstore_index_options>?) throws(VecStoreError) -> IndexOptions {
    guard let options else {
        throw VecStoreError(.invalidArgument, "options is NULL: dim has no default")
    }
    let o = try read(options, over: vecstore_index_options(), "vecstore_index_options")
    guard o.kind == 0 || o.kind == vecstore_kind(VECSTORE_KIND_FLAT) else {
        throw VecStoreError(.invalidArgument, "kind is \(o.kind): allowed is \(VECSTORE_KIND_FLAT) (flat)")
    }
    let codes: Bool?
    switch o.exact_codes {
    case 0: codes = nil
    case 1: codes = true
    case 2: codes = false
    default:
        throw VecStoreError(.invalidArgument, "exact_codes is \(o.exact_codes): allowed are 0 (default), 1 (keep), 2 (do not)")
    }
    guard o.capacity <= UInt64(Limits.rows) else {
        throw VecStoreError(.tooLarge, "capacity is \(o.capacity): an index holds at most \(Limits.rows) rows")
    }
    return IndexOptions(
        dimension: try checkedDimension(Int(o.dim)),
        metric: o.metric == 0 ? .l2Squared : try checkedMetric(o.metric),
        type: o.dtype == 0 ? .float32 : try checkedType(o.dtype), exactCodes: codes, capacity: Int(o.capacity))
}

func checkedOptions(_ options: UnsafePointer<vecstore_add_options>?) throws(VecStoreError) -> Int {
    try checkedThreads(read(options, over: vecstore_add_options(), "vecstore_add_options").threads)
}

func checkedOptions(
    _ options: UnsafePointer<vecstore_search_options>?
) throws(VecStoreError) -> (threads: Int, filter: RowFilter) {
    let o = try read(options, over: vecstore_search_options(), "vecstore_search_options")
    return (try checkedThreads(o.threads), try checkedFilter(o.filter))
}

func checkedOptions(_ options: UnsafePointer<vecstore_save_options>?) throws(VecStoreError) -> Bool {
    let o = try read(options, over: vecstore_save_options(), "vecstore_save_options")
    return !(try checkedFlag(o.no_sync, "no_sync"))
}

func checkedOptions(_ options: UnsafePointer<vecstore_open_options>?) throws(VecStoreError) -> OpenOptions {
    let o = try read(options, over: vecstore_open_options(), "vecstore_open_options")
    guard o.verify <= 2 else {
        throw VecStoreError(.invalidArgument, "verify is \(o.verify): allowed are 0 (default), 1 (header) and 2 (every byte)")
    }
    return OpenOptions(
        load: try checkedFlag(o.load, "load"), verify: o.verify == 0 ? nil : o.verify == 2,
        prefault: try checkedFlag(o.prefault, "prefault"))
}

private func checkedFilter(_ filter: UnsafePointer<vecstore_filter>?) throws(VecStoreError) -> RowFilter {
    guard let filter else { return RowFilter(.none) }
    let f = try read(filter, over: vecstore_filter(), "vecstore_filter")
    guard f.reserved == 0 else { throw VecStoreError(.invalidArgument, "vecstore_filter.reserved is not 0") }
    let negate = try checkedFlag(f.negate, "negate")
    switch Int(f.kind) {
    case VECSTORE_FILTER_NONE:
        return RowFilter(.none, isNegated: negate)
    case VECSTORE_FILTER_BITMAP:
        let count = f.bitmap_bits
        return RowFilter(
            .bitmap(try checked(f.bitmap, "filter.bitmap", count: count == 0 ? 0 : 1), count: count), isNegated: negate)
    case VECSTORE_FILTER_IDS:
        guard f.ids_count <= 1 << 40 else {
            throw VecStoreError(.tooLarge, "filter.ids_count is \(f.ids_count): more than there is memory for")
        }
        let count = Int(f.ids_count)
        return RowFilter(.ids(try checked(f.ids, "filter.ids", count: count), count: count), isNegated: negate)
    case VECSTORE_FILTER_CALLBACK:
        guard let callback = f.callback else { throw VecStoreError(.invalidArgument, "filter.callback is NULL") }
        let payload = f.payload
        return RowFilter(.callback { callback($0, payload) }, isNegated: negate)
    default:
        throw VecStoreError(
            .invalidArgument, "filter.kind is \(f.kind): allowed are 0 (none), 1 (bitmap), 2 (ids) and 3 (callback)")
    }
}
