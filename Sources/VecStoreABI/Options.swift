// SPDX-License-Identifier: Apache-2.0

import CVecStore
import VecIndex
import VecKernelTypes

// Option structs: each begins with the size that its caller was compiled with.

// What structs that have grown were in the first version.
let vecstore_index_options_first_size = 32
let vecstore_search_options_first_size = 16
let vecstore_work_options_first_size = 8
let vecstore_collection_options_first_size = 16
let vecstore_calibration_first_size = 24
let vecstore_index_stats_first_size = 72
let vecstore_hits_view_first_size = 80
let vecstore_query_options_first_size = 64

/// The caller's options over the defaults.
/// - Parameter firstSize: The struct's size in the first version; nil: it has not grown since.
func read<T>(
    _ options: UnsafePointer<T>?, over defaults: T, _ name: String, firstSize: Int? = nil
) throws(VecStoreError) -> T {
    guard let options else { return defaults }
    let bytes = UnsafeRawPointer(options)
    let size = Int(bytes.load(as: UInt32.self))
    let known = MemoryLayout<T>.size
    try checkSize(size, firstSize ?? known, name)
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
func write<T>(
    _ value: T, to out: UnsafeMutablePointer<T>, _ name: String, firstSize: Int? = nil
) throws(VecStoreError) {
    let target = UnsafeMutableRawPointer(out)
    let size = Int(target.load(as: UInt32.self))
    let known = MemoryLayout<T>.size
    try checkSize(size, firstSize ?? known, name)
    withUnsafeBytes(of: value) { source in
        // The first four bytes stay what the caller wrote.
        let count = min(size, known) - 4
        if let base = source.baseAddress { (target + 4).copyMemory(from: base + 4, byteCount: count) }
    }
    if size > known { (target + known).initializeMemory(as: UInt8.self, repeating: 0, count: size - known) }
}

func checkSize(_ size: Int, _ least: Int, _ name: String) throws(VecStoreError) {
    guard size >= least && size <= 4096 else {
        throw VecStoreError(
            .invalidArgument,
            "\(name).struct_size is \(size): allowed is \(least) to 4096; begin with the INIT macro of the struct")
    }
}

/// A new index as options ask for it.
func makeIndex(_ options: UnsafePointer<vecstore_index_options>?) throws(VecStoreError) -> any VectorIndex {
    guard let options else {
        throw VecStoreError(.invalidArgument, "options is NULL: dim has no default")
    }
    let o = try read(
        options, over: vecstore_index_options(), "vecstore_index_options", firstSize: vecstore_index_options_first_size)
    guard o.capacity <= UInt64(Limits.rows) else {
        throw VecStoreError(.tooLarge, "capacity is \(o.capacity): an index holds at most \(Limits.rows) rows")
    }
    if o.kind == UInt32(VECSTORE_KIND_AUTO) { return try AutoIndex(autoOptions(o)) }
    guard o.memory_budget == 0 && o.target_recall == 0 else {
        throw VecStoreError(
            .invalidArgument, "memory_budget and target_recall are for kind 4 (auto), not for \(o.kind): search has a target_recall too")
    }
    switch o.kind == 0 ? IndexKind.flat : IndexKind(rawValue: o.kind) {
    case .flat: return try FlatIndex(flatOptions(o))
    case .hnsw: return try HNSWIndex(graphOptions(o))
    case .ivf: return try IVFIndex(listOptions(o))
    case nil:
        throw VecStoreError(.invalidArgument, "kind is \(o.kind): allowed are 0 and 1 (flat), 2 (hnsw), 3 (ivf) and 4 (auto)")
    }
}

private func autoOptions(_ o: vecstore_index_options) throws(VecStoreError) -> AutoOptions {
    guard o.exact_codes == 0, o.m == 0, o.ef_construction == 0, o.storage == 0, o.rescore == 0, o.nlist == 0, o.pq_m == 0,
        o.bits == 0, o.assignments == 0, o.rotation == 0
    else {
        throw VecStoreError(
            .invalidArgument,
            "exact_codes, m, ef_construction, storage, rescore, nlist, pq_m, bits, assignments and rotation must be 0 with kind 4 (auto), which chooses them: say memory_budget, target_recall, capacity and seed"
        )
    }
    return AutoOptions(
        dimension: try checkedDimension(Int(o.dim)),
        metric: o.metric == 0 ? .l2Squared : try checkedMetric(o.metric),
        type: o.dtype == 0 ? .float32 : try checkedType(o.dtype), capacity: Int(o.capacity),
        memoryBudget: Int(clamping: o.memory_budget),
        targetRecall: o.target_recall == 0 ? AutoOptions.defaultRecall : o.target_recall, seed: o.seed)
}

private func flatOptions(_ o: vecstore_index_options) throws(VecStoreError) -> IndexOptions {
    let codes: Bool?
    switch o.exact_codes {
    case 0: codes = nil
    case 1: codes = true
    case 2: codes = false
    default:
        throw VecStoreError(.invalidArgument, "exact_codes is \(o.exact_codes): allowed are 0 (default), 1 (keep), 2 (do not)")
    }
    guard o.m == 0 && o.ef_construction == 0 && o.seed == 0 else {
        throw VecStoreError(
            .invalidArgument, "m and ef_construction are for kind 2 (hnsw), seed for it and 3 (ivf), not for 1 (flat)")
    }
    guard o.storage == 0 && o.rescore == 0 else {
        throw VecStoreError(
            .invalidArgument,
            "storage and rescore are for kind 2 (hnsw) and 3 (ivf), not for 1 (flat), which compares rows as they are: ivf with nlist 1 searches all rows by codes"
        )
    }
    try refuseListOptions(o)
    return IndexOptions(
        dimension: try checkedDimension(Int(o.dim)),
        metric: o.metric == 0 ? .l2Squared : try checkedMetric(o.metric),
        type: o.dtype == 0 ? .float32 : try checkedType(o.dtype), exactCodes: codes, capacity: Int(o.capacity))
}

private func graphOptions(_ o: vecstore_index_options) throws(VecStoreError) -> HNSWOptions {
    guard o.exact_codes == 0 else {
        throw VecStoreError(.invalidArgument, "exact_codes is \(o.exact_codes): it is for kind 1 (flat), not for 2 (hnsw)")
    }
    try refuseListOptions(o)
    guard let storage = GraphStorage(rawValue: o.storage) else {
        if let other = ListStorage(rawValue: o.storage) {
            throw HNSWOptions.refusal(of: other, as: "storage \(other.name) is for kind 3 (ivf)")
        }
        let allowed = GraphStorage.allCases.map { "\($0.rawValue) (\($0.name))" }.joined(separator: ", ")
        throw VecStoreError(.invalidArgument, "storage is \(o.storage): allowed are \(allowed)")
    }
    let rescore = try checkedRescore(o)
    return HNSWOptions(
        dimension: try checkedDimension(Int(o.dim)),
        metric: o.metric == 0 ? .l2Squared : try checkedMetric(o.metric),
        type: o.dtype == 0 ? .float32 : try checkedType(o.dtype), storage: storage, rescore: rescore,
        m: o.m == 0 ? HNSWOptions.defaultM : Int(o.m),
        efConstruction: o.ef_construction == 0 ? HNSWOptions.defaultEFConstruction : Int(o.ef_construction), seed: o.seed,
        capacity: Int(o.capacity))
}

private func checkedRescore(_ o: vecstore_index_options) throws(VecStoreError) -> RescoreRows {
    guard let rescore = RescoreRows(rawValue: o.rescore) else {
        let allowed = RescoreRows.allCases.map { "\($0.rawValue) (\($0.name))" }.joined(separator: ", ")
        throw VecStoreError(.invalidArgument, "rescore is \(o.rescore): allowed are \(allowed)")
    }
    return rescore
}

private func refuseListOptions(_ o: vecstore_index_options) throws(VecStoreError) {
    guard o.nlist == 0 && o.pq_m == 0 && o.bits == 0 && o.assignments == 0 && o.rotation == 0 else {
        throw VecStoreError(
            .invalidArgument, "nlist, pq_m, bits, assignments and rotation are for kind 3 (ivf), not for \(o.kind == 2 ? "2 (hnsw)" : "1 (flat)")")
    }
}

private func listOptions(_ o: vecstore_index_options) throws(VecStoreError) -> IVFOptions {
    guard o.exact_codes == 0 && o.m == 0 && o.ef_construction == 0 else {
        throw VecStoreError(
            .invalidArgument, "exact_codes is for kind 1 (flat), m and ef_construction are for kind 2 (hnsw), not for 3 (ivf)")
    }
    guard let storage = ListStorage(rawValue: o.storage) else {
        let allowed = ListStorage.allCases.map { "\($0.rawValue) (\($0.name))" }.joined(separator: ", ")
        throw VecStoreError(.invalidArgument, "storage is \(o.storage): allowed are \(allowed)")
    }
    guard o.rotation <= 1 else {
        throw VecStoreError(.invalidArgument, "rotation is \(o.rotation): allowed are 0 (none) and 1 (OPQ)")
    }
    return IVFOptions(
        dimension: try checkedDimension(Int(o.dim)),
        metric: o.metric == 0 ? .l2Squared : try checkedMetric(o.metric),
        type: o.dtype == 0 ? .float32 : try checkedType(o.dtype), nlist: o.nlist == 0 ? nil : Int(o.nlist), storage: storage,
        rescore: try checkedRescore(o), pqM: o.pq_m == 0 ? nil : Int(o.pq_m), bits: o.bits == 0 ? nil : Int(o.bits),
        isRotated: o.rotation == 1, assignments: o.assignments == 0 ? 1 : Int(o.assignments), seed: o.seed, capacity: Int(o.capacity))
}

func checkedOptions(
    _ options: UnsafePointer<vecstore_work_options>?
) throws(VecStoreError) -> (threads: Int, progress: Progress?) {
    let o = try read(
        options, over: vecstore_work_options(), "vecstore_work_options", firstSize: vecstore_work_options_first_size)
    let threads = try checkedThreads(o.threads)
    guard let callback = o.progress else { return (threads, nil) }
    let payload = o.payload
    return (threads, { callback(UInt64($0), UInt64($1), payload) })
}

func checkedOptions(_ options: UnsafePointer<vecstore_search_options>?) throws(VecStoreError) -> SearchOptions {
    let o = try read(
        options, over: vecstore_search_options(), "vecstore_search_options",
        firstSize: vecstore_search_options_first_size)
    guard Int(o.ef_search) <= Limits.k else {
        throw VecStoreError(.invalidArgument, "ef_search is \(o.ef_search): allowed is 0 (default), and 1 to \(Limits.k)")
    }
    guard o.target_recall >= 0 && o.target_recall <= 1 else {
        throw VecStoreError(.invalidArgument, "target_recall is \(o.target_recall): allowed is 0 (none), and up to 1")
    }
    guard o.nprobe <= UInt32(IVFOptions.mostLists) else {
        throw VecStoreError(
            .invalidArgument, "nprobe is \(o.nprobe): allowed is 0 (one list of 16), and 1 to \(IVFOptions.mostLists)")
    }
    guard o.target_recall == 0 || o.ef_search == 0 else {
        throw VecStoreError(.invalidArgument, "ef_search and target_recall are both given: they say the same thing")
    }
    guard o.reserved == 0 else {
        throw VecStoreError(.invalidArgument, "vecstore_search_options.reserved is not 0")
    }
    guard o.oversampling == 0 || (o.oversampling >= 1 && o.oversampling.isFinite) else {
        throw VecStoreError(
            .invalidArgument, "oversampling is \(o.oversampling): allowed is 0 (as many rows as needed), and 1 or more")
    }
    return SearchOptions(
        filter: try checkedFilter(o.filter), threads: try checkedThreads(o.threads),
        nprobe: o.nprobe == 0 ? nil : Int(o.nprobe), efSearch: o.ef_search == 0 ? nil : Int(o.ef_search),
        targetRecall: o.target_recall == 0 ? nil : o.target_recall,
        rescores: !(try checkedFlag(o.no_rescore, "no_rescore")),
        oversampling: o.oversampling == 0 ? nil : o.oversampling)
}

func checkedOptions(
    _ options: UnsafePointer<vecstore_calibrate_options>?
) throws(VecStoreError) -> (threads: Int, k: Int, recall: Float) {
    let o = try read(options, over: vecstore_calibrate_options(), "vecstore_calibrate_options")
    guard o.recall >= 0 && o.recall <= 1 else {
        throw VecStoreError(.invalidArgument, "recall is \(o.recall): allowed is above 0, up to 1; 0 stands for 0.95")
    }
    return (
        try checkedThreads(o.threads), o.k == 0 ? 10 : try checkedK(Int(o.k)), o.recall == 0 ? 0.95 : o.recall
    )
}

/// Options of k-means for k centroids.
func checkedOptions(
    _ options: UnsafePointer<vecstore_kmeans_options>?, k: Int
) throws(VecStoreError) -> (options: KMeansOptions, progress: Progress?) {
    let o = try read(options, over: vecstore_kmeans_options(), "vecstore_kmeans_options")
    guard o.reserved == 0 else {
        throw VecStoreError(.invalidArgument, "vecstore_kmeans_options.reserved is not 0")
    }
    guard let start = o.start == 0 ? .plusPlus : CentroidStart(rawValue: o.start) else {
        throw VecStoreError(
            .invalidArgument, "start is \(o.start): allowed are 0 (default), 1 (k-means++) and 2 (random)")
    }
    guard o.sample == 0 || o.batch_size == 0 else {
        throw VecStoreError(
            .invalidArgument, "sample and batch_size are both given: batches are drawn from all vectors")
    }
    var result = KMeansOptions(
        k: k, metric: o.metric == 0 ? .l2Squared : try checkedMetric(o.metric), start: start, seed: o.seed,
        sample: o.sample == 0 ? nil : Int(clamping: o.sample), batchSize: o.batch_size == 0 ? nil : Int(clamping: o.batch_size),
        restarts: max(1, Int(o.restarts)), threads: try checkedThreads(o.threads))
    if o.max_iterations != 0 { result.iterations = Int(o.max_iterations) }
    if o.tolerance != 0 { result.tolerance = o.tolerance }
    guard let callback = o.progress else { return (result, nil) }
    let payload = o.payload
    return (result, { callback(UInt64($0), UInt64($1), payload) })
}

/// The design of a quantizer.
func checkedOptions(
    _ options: UnsafePointer<vecstore_quantizer_options>
) throws(VecStoreError) -> (dimension: Int, design: QuantizerDesign) {
    let o = try read(options, over: vecstore_quantizer_options(), "vecstore_quantizer_options")
    let bits = o.bits == 0 ? 8 : Int(o.bits)
    let design: QuantizerDesign
    switch Int(o.kind) {
    case VECSTORE_QUANTIZER_SCALAR:
        for (name, value) in [("pq_m", o.pq_m), ("rotation", o.rotation)] where value != 0 {
            throw VecStoreError(.invalidArgument, "\(name) is \(value): it is for kind 2 (product), not for 1 (scalar)")
        }
        design = .scalar(
            QuantizerDesign.ScalarDesign(
                bits: bits, isUniform: try checkedFlag(o.uniform, "uniform"), quantile: o.quantile))
    case VECSTORE_QUANTIZER_PRODUCT:
        guard o.uniform == 0 && o.quantile == 0 else {
            throw VecStoreError(
                .invalidArgument,
                "uniform is \(o.uniform) and quantile is \(o.quantile): they are for kind 1 (scalar), not for 2 (product)")
        }
        guard o.rotation <= 1 else {
            throw VecStoreError(.invalidArgument, "rotation is \(o.rotation): allowed are 0 (none) and 1 (OPQ)")
        }
        design = .product(
            QuantizerDesign.ProductDesign(m: Int(o.pq_m), bits: bits, isRotated: o.rotation == 1, seed: o.seed))
    case VECSTORE_QUANTIZER_BINARY:
        for (name, value) in [("pq_m", o.pq_m), ("rotation", o.rotation), ("uniform", o.uniform)] where value != 0 {
            throw VecStoreError(.invalidArgument, "\(name) is \(value): it is not for kind 3 (binary)")
        }
        guard o.quantile == 0 else {
            throw VecStoreError(.invalidArgument, "quantile is \(o.quantile): it is not for kind 3 (binary)")
        }
        design = .binary(QuantizerDesign.BinaryDesign(bits: o.bits == 0 ? 1 : Int(o.bits), seed: o.seed))
    default:
        throw VecStoreError(
            .invalidArgument, "kind is \(o.kind): allowed are 1 (scalar), 2 (product) and 3 (binary)")
    }
    return (try checkedDimension(Int(o.dim)), design)
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
