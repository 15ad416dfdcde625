// SPDX-License-Identifier: Apache-2.0

import CVecStore
import Glibc
import VecCollection
import VecIndex
import VecKernelTypes

// Checks of what callers pass about collections.

/// Runs `body` with the collection of a handle.
func withCollection<R>(
    _ handle: OpaquePointer?, _ body: (PointCollection) throws(VecStoreError) -> R
) throws(VecStoreError) -> R {
    try HandleTable.shared.with(handle, .collection, as: PointCollection.self, body)
}

/// Text that ends with a zero.
func checkedText(_ text: UnsafePointer<CChar>?, _ name: String) throws(VecStoreError) -> String {
    let start = try checked(text, name)
    guard let string = String(validatingCString: start) else { throw VecStoreError(.invalidArgument, "\(name) is not UTF-8") }
    return string
}

/// The same, or NULL.
func checkedOptionalText(_ text: UnsafePointer<CChar>?, _ name: String) throws(VecStoreError) -> String? {
    guard let text else { return nil }
    return try checkedText(text, name)
}

/// JSON text as bytes; what is in it is checked where it is parsed.
func checkedJSON(_ text: UnsafePointer<CChar>?) -> [UInt8]? { text.map { Array(bytes($0)) } }

private func bytes(_ text: UnsafePointer<CChar>) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self), count: strlen(text))
}

/// The name of a vector: NULL and "" are those of the only one.
func checkedVectorName(_ name: UnsafePointer<CChar>?) throws(VecStoreError) -> String? {
    let name = try checkedOptionalText(name, "vector_name")
    return name == "" ? nil : name
}

func checkedIDs(_ ids: UnsafePointer<vecstore_id>?, _ n: Int) throws(VecStoreError) -> [PointID] {
    let count = try checkedCount(n, "n")
    // Before there is memory for so many.
    try CollectionLimits.checkIDs(count)
    let ids: UnsafePointer<vecstore_id> = try checked(ids, "ids", count: count)
    var result: [PointID] = []
    result.reserveCapacity(count)
    for i in 0..<count { result.append(try checkedID(ids[i], "ids[\(i)].text")) }
    return result
}

func checkedID(_ id: vecstore_id, _ name: @autoclosure () -> String) throws(VecStoreError) -> PointID {
    guard let text = id.text else { return .number(id.number) }
    guard let string = String(validatingCString: text) else {
        throw VecStoreError(.invalidArgument, "\(name()) is not UTF-8")
    }
    return .text(string)
}

func checkedOrder(_ options: UnsafePointer<vecstore_order_options>?) throws(VecStoreError) -> ScrollOrder {
    let o = try read(checked(options, "order"), over: vecstore_order_options(), "vecstore_order_options")
    var order = ScrollOrder(path: try checkedText(o.order_by, "order_by"))
    order.isDescending = try checkedFlag(o.descending, "descending")
    order.start = checkedJSON(o.start_from)
    guard (o.after == nil) == (o.after_value == nil) else {
        throw VecStoreError(
            .invalidArgument, "after and after_value belong together, the id and the value of the last point: one of them is NULL")
    }
    if let id = o.after, let value = checkedJSON(o.after_value) {
        order.after = (value, try checkedID(id.pointee, "after.text"))
    }
    return order
}

func checkedVectorSettings(
    _ vectors: UnsafePointer<vecstore_vector_options>?, _ n: Int
) throws(VecStoreError) -> [VectorSettings] {
    let count = try checkedCount(n, "n_vectors")
    guard count <= CollectionLimits.vectors else {
        throw VecStoreError(.invalidArgument, "n_vectors is \(count): allowed is 1 to \(CollectionLimits.vectors)")
    }
    let first: UnsafePointer<vecstore_vector_options> = try checked(vectors, "vectors", count: count)
    var result: [VectorSettings] = []
    // The structs lie as far apart as their caller knows them to be long.
    let stride = count == 0 ? 0 : Int(first.pointee.struct_size)
    for i in 0..<count {
        let options = UnsafeRawPointer(first).advanced(by: i * stride).assumingMemoryBound(to: vecstore_vector_options.self)
        guard Int(options.pointee.struct_size) == stride else {
            throw VecStoreError(.invalidArgument, "vectors[\(i)].struct_size is not that of the first")
        }
        result.append(try settings(try read(options, over: vecstore_vector_options(), "vecstore_vector_options")))
    }
    return result
}

private func settings(_ o: vecstore_vector_options) throws(VecStoreError) -> VectorSettings {
    let kind: VectorIndexKind
    switch Int(o.kind) {
    case 0, VECSTORE_KIND_AUTO: kind = .auto
    case VECSTORE_KIND_FLAT: kind = .flat
    case VECSTORE_KIND_HNSW: kind = .hnsw
    default:
        throw VecStoreError(
            .unsupported, "kind is \(o.kind): collections have 0 and 4 (auto), 1 (flat) and 2 (hnsw)")
    }
    guard let storage = GraphStorage(rawValue: o.storage) else {
        if let lists = ListStorage(rawValue: o.storage) { throw HNSWOptions.refusal(of: lists, as: "storage is \(o.storage)") }
        throw VecStoreError(.invalidArgument, "storage is \(o.storage): allowed is 0 to 5")
    }
    return VectorSettings(
        name: try checkedOptionalText(o.name, "the name of a vector") ?? "", dimension: try checkedDimension(Int(o.dim)),
        metric: o.metric == 0 ? .cosine : try checkedMetric(o.metric), type: o.dtype == 0 ? .float32 : try checkedType(o.dtype),
        kind: kind, m: o.m == 0 ? VectorSettings.defaultM : Int(o.m),
        efConstruction: o.ef_construction == 0 ? VectorSettings.defaultEFConstruction : Int(o.ef_construction),
        storage: storage, model: try checkedOptionalText(o.model, "model") ?? "",
        modelVersion: try checkedOptionalText(o.model_version, "model_version") ?? "")
}

func checkedCollectionOptions(
    _ options: UnsafePointer<vecstore_collection_options>?
) throws(VecStoreError) -> CollectionOptions {
    let o = try read(
        options, over: vecstore_collection_options(), "vecstore_collection_options",
        firstSize: vecstore_collection_options_first_size)
    let memory: MemoryMode
    switch Int(o.memory) {
    case 0, VECSTORE_MEMORY_MAPPED: memory = .mapped
    case VECSTORE_MEMORY_LOADED: memory = .loaded
    case VECSTORE_MEMORY_DISK: memory = .disk
    default:
        throw VecStoreError(.invalidArgument, "memory is \(o.memory): allowed are 0 and 1 (mapped), 2 (loaded) and 3 (disk)")
    }
    guard o.reserved == 0 else { throw VecStoreError(.invalidArgument, "vecstore_collection_options.reserved is not 0") }
    guard let budget = Int(exactly: o.memory_budget) else {
        throw VecStoreError(.invalidArgument, "memory_budget is \(o.memory_budget): allowed are up to \(Int.max) bytes")
    }
    let durability: Durability
    switch Int(o.durability) {
    case 0, VECSTORE_DURABILITY_FULL: durability = .full
    case VECSTORE_DURABILITY_NORMAL: durability = .normal
    case VECSTORE_DURABILITY_NONE: durability = .none
    default:
        throw VecStoreError(
            .invalidArgument, "durability is \(o.durability): allowed are 0 and 1 (full), 2 (normal) and 3 (none)")
    }
    return CollectionOptions(
        isReadOnly: try checkedFlag(o.read_only, "read_only"), durability: durability,
        indexThreads: try checkedThreads(o.index_threads), memory: memory, memoryBudget: budget == 0 ? nil : budget)
}

/// The vectors of a batch of `count` points.
func checkedBatchVectors(
    _ vectors: UnsafePointer<vecstore_batch_vectors>?, _ n: Int, count: Int, _ collection: PointCollection
) throws(VecStoreError) -> [PointBatch.Vectors] {
    let n = try checkedCount(n, "n_vectors")
    guard n <= CollectionLimits.vectors else {
        throw VecStoreError(.invalidArgument, "n_vectors is \(n): allowed is 1 to \(CollectionLimits.vectors)")
    }
    let vectors: UnsafePointer<vecstore_batch_vectors> = try checked(vectors, "vectors", count: n)
    var result: [PointBatch.Vectors] = []
    for i in 0..<n {
        let name = try checkedOptionalText(vectors[i].name, "vectors[\(i)].name")
        guard vectors[i].reserved == 0 else { throw VecStoreError(.invalidArgument, "vectors[\(i)].reserved is not 0") }
        let type = try checkedType(vectors[i].dtype)
        let dimension = try collection.dimension(of: name == "" ? nil : name)
        try checkedSize(count, max(type.rowSize(dimension), 4 * dimension), "vectors[\(i)]")
        result.append(
            PointBatch.Vectors(
                name: name == "" ? nil : name, rows: try checked(vectors[i].vectors, "vectors[\(i)].vectors", count: count),
                type: type, present: vectors[i].present))
    }
    return result
}

func checkedPayloads(
    _ payloads: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int
) -> [UnsafeBufferPointer<UInt8>]? {
    guard let payloads else { return nil }
    return (0..<count).map { i in payloads[i].map(bytes) ?? UnsafeBufferPointer(start: nil, count: 0) }
}

func checkedQueryOptions(
    _ options: UnsafePointer<vecstore_query_options>?
) throws(VecStoreError) -> VectorSearchOptions {
    var defaults = vecstore_query_options()
    defaults.with_payload = 1
    let o = try read(
        options, over: defaults, "vecstore_query_options", firstSize: vecstore_query_options_first_size)
    var result = VectorSearchOptions()
    result.threads = try checkedThreads(o.threads)
    result.vectorName = try checkedVectorName(o.vector_name)
    result.filter = checkedJSON(o.filter)
    result.offset = Int(clamping: o.offset)
    result.efSearch = o.ef_search == 0 ? nil : Int(o.ef_search)
    result.isExact = try checkedFlag(o.exact, "exact")
    result.withPayload = try checkedFlag(o.with_payload, "with_payload")
    result.withVector = try checkedFlag(o.with_vector, "with_vector")
    if try checkedFlag(o.has_max_distance, "has_max_distance") { result.maxDistance = o.max_distance }
    if try checkedFlag(o.has_threshold, "has_threshold") { result.threshold = o.threshold }
    if try checkedFlag(o.explain, "explain") { result.trace = QueryTrace() }
    result.targetRecall = o.target_recall == 0 ? nil : o.target_recall
    result.diversity = o.diversity
    if o.candidates != 0 { result.candidates = Int(o.candidates) }
    // Calls that pass over some of them refuse what makes no sense all the same.
    try result.check()
    return result
}

func checkedTextOptions(
    _ options: UnsafePointer<vecstore_text_options>?, _ query: VectorSearchOptions
) throws(VecStoreError) -> TextSearchOptions {
    let o = try read(options, over: vecstore_text_options(), "vecstore_text_options")
    var result = TextSearchOptions(query)
    switch Int(o.mode) {
    case 0, VECSTORE_TEXT_ANY: result.mode = .any
    case VECSTORE_TEXT_ALL: result.mode = .all
    case VECSTORE_TEXT_PHRASE: result.mode = .phrase
    case VECSTORE_TEXT_PREFIX: result.mode = .prefix
    default:
        throw VecStoreError(
            .invalidArgument, "mode is \(o.mode): allowed are 0 and 1 (any), 2 (all), 3 (phrase) and 4 (prefix)")
    }
    if let fields = o.fields {
        guard o.n_fields >= 1 && o.n_fields <= 1024 else {
            throw VecStoreError(.invalidArgument, "n_fields is \(UInt(bitPattern: o.n_fields)): allowed is 1 to 1024")
        }
        var chosen: [(path: String, weight: Float)] = []
        for i in 0..<o.n_fields { chosen.append((try checkedText(fields[i], "fields[\(i)]"), o.weights?[i] ?? 1)) }
        result.fields = chosen
    }
    return result
}

func checkedHybridOptions(
    _ options: UnsafePointer<vecstore_hybrid_options>?, _ query: VectorSearchOptions, _ text: TextSearchOptions
) throws(VecStoreError) -> HybridSearchOptions {
    var defaults = vecstore_hybrid_options()
    defaults.vector_weight = 1
    defaults.text_weight = 1
    let o = try read(options, over: defaults, "vecstore_hybrid_options")
    guard o.reserved == 0 else { throw VecStoreError(.invalidArgument, "vecstore_hybrid_options.reserved is not 0") }
    var result = HybridSearchOptions()
    result.vector = query
    result.text = text
    switch Int(o.fusion) {
    case 0, VECSTORE_FUSION_RRF: result.fusion = .rrf
    case VECSTORE_FUSION_WEIGHTED: result.fusion = .weighted
    case VECSTORE_FUSION_DBSF: result.fusion = .dbsf
    default:
        throw VecStoreError(
            .invalidArgument, "fusion is \(o.fusion): allowed are 0 and 1 (rrf), 2 (weighted) and 3 (dbsf)")
    }
    result.vectorWeight = o.vector_weight
    result.textWeight = o.text_weight
    if o.candidates != 0 { result.candidates = Int(o.candidates) }
    return result
}
