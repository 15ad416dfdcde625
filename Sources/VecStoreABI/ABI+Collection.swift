// SPDX-License-Identifier: Apache-2.0

public import CVecStore
import VecCollection
import VecIndex
import VecKernelTypes

@_cdecl("vecstore_collection_create")
public func vecstore_collection_create(
    _ path: UnsafePointer<CChar>!, _ vectors: UnsafePointer<vecstore_vector_options>!, _ n_vectors: Int,
    _ options: UnsafePointer<vecstore_collection_options>!, _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let result = try checked(out, "out")
        result.pointee = nil
        let collection = try PointCollection.create(
            checkedPath(path), vectors: checkedVectorSettings(vectors, n_vectors), checkedCollectionOptions(options))
        result.pointee = try HandleTable.shared.make(collection, .collection)
    }
}

@_cdecl("vecstore_collection_open")
public func vecstore_collection_open(
    _ path: UnsafePointer<CChar>!, _ options: UnsafePointer<vecstore_collection_options>!,
    _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let result = try checked(out, "out")
        result.pointee = nil
        let collection = try PointCollection.open(checkedPath(path), checkedCollectionOptions(options))
        result.pointee = try HandleTable.shared.make(collection, .collection)
    }
}

@_cdecl("vecstore_collection_close")
public func vecstore_collection_close(_ collection: OpaquePointer!) -> vecstore_status {
    status { () throws(VecStoreError) in
        guard let collection else { return }
        defer { HandleTable.shared.release(collection, .collection) }
        try withCollection(collection) { (collection) throws(VecStoreError) in try collection.close() }
    }
}

// MARK: - Writing

@_cdecl("vecstore_collection_upsert")
public func vecstore_collection_upsert(
    _ collection: OpaquePointer!, _ ids: UnsafePointer<vecstore_id>!, _ n: Int,
    _ vectors: UnsafePointer<vecstore_batch_vectors>!, _ n_vectors: Int,
    _ payloads: UnsafePointer<UnsafePointer<CChar>?>!, _ expires: UnsafePointer<Int64>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCollection(collection) { (collection) throws(VecStoreError) in
            let points = try checkedIDs(ids, n)
            try collection.upsert(
                PointBatch(
                    ids: points, vectors: try checkedBatchVectors(vectors, n_vectors, count: points.count, collection),
                    payloads: checkedPayloads(payloads, points.count), expires: expires))
        }
    }
}

@_cdecl("vecstore_collection_update_vectors")
public func vecstore_collection_update_vectors(
    _ collection: OpaquePointer!, _ ids: UnsafePointer<vecstore_id>!, _ n: Int,
    _ vectors: UnsafePointer<vecstore_batch_vectors>!, _ n_vectors: Int
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCollection(collection) { (collection) throws(VecStoreError) in
            let points = try checkedIDs(ids, n)
            try collection.updateVectors(
                points, checkedBatchVectors(vectors, n_vectors, count: points.count, collection))
        }
    }
}

@_cdecl("vecstore_collection_remove")
public func vecstore_collection_remove(
    _ collection: OpaquePointer!, _ ids: UnsafePointer<vecstore_id>!, _ n: Int, _ removed: UnsafeMutablePointer<Int>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCollection(collection) { (collection) throws(VecStoreError) in
            let count = try collection.remove(checkedIDs(ids, n))
            removed?.pointee = count
        }
    }
}

@_cdecl("vecstore_collection_remove_matching")
public func vecstore_collection_remove_matching(
    _ collection: OpaquePointer!, _ filter: UnsafePointer<CChar>!, _ removed: UnsafeMutablePointer<Int>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCollection(collection) { (collection) throws(VecStoreError) in
            let count = try collection.remove(where: checked(checkedJSON(filter), "filter"))
            removed?.pointee = count
        }
    }
}

@_cdecl("vecstore_collection_change_payload")
public func vecstore_collection_change_payload(
    _ collection: OpaquePointer!, _ ids: UnsafePointer<vecstore_id>!, _ n: Int, _ filter: UnsafePointer<CChar>!,
    _ change: vecstore_payload_change, _ json: UnsafePointer<CChar>!, _ changed: UnsafeMutablePointer<Int>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCollection(collection) { (collection) throws(VecStoreError) in
            let text = try checked(checkedJSON(json), "json")
            let what: PayloadChange
            switch Int(change) {
            case VECSTORE_PAYLOAD_SET: what = .set(text)
            case VECSTORE_PAYLOAD_MERGE: what = .merge(text)
            case VECSTORE_PAYLOAD_DELETE_KEYS: what = .deleteKeys(try parseKeys(text))
            default:
                throw VecStoreError(
                    .invalidArgument, "change is \(change): allowed are 1 (set), 2 (merge) and 3 (delete keys)")
            }
            let selection: PointSelection
            if let filter = checkedJSON(filter) {
                guard ids == nil else {
                    throw VecStoreError(.invalidArgument, "ids and filter are both there: one of them says which points")
                }
                selection = .matching(filter)
            } else {
                selection = .ids(try checkedIDs(ids, n))
            }
            let count = try collection.changePayload(selection, what)
            changed?.pointee = count
        }
    }
}

@_cdecl("vecstore_collection_create_payload_index")
public func vecstore_collection_create_payload_index(
    _ collection: OpaquePointer!, _ path: UnsafePointer<CChar>!, _ type: UnsafePointer<CChar>!,
    _ tokenizer: UnsafePointer<CChar>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCollection(collection) { (collection) throws(VecStoreError) in
            try collection.createPayloadIndex(
                checkedText(path, "path"), type: checkedFieldType(checkedText(type, "type")),
                tokenizer: checkedTokenizer(checkedOptionalText(tokenizer, "tokenizer")))
        }
    }
}

@_cdecl("vecstore_collection_drop_payload_index")
public func vecstore_collection_drop_payload_index(
    _ collection: OpaquePointer!, _ path: UnsafePointer<CChar>!, _ type: UnsafePointer<CChar>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCollection(collection) { (collection) throws(VecStoreError) in
            let type = try checkedOptionalText(type, "type").map { (type) throws(VecStoreError) in try checkedFieldType(type) }
            try collection.dropPayloadIndex(checkedText(path, "path"), type: type)
        }
    }
}

@_cdecl("vecstore_collection_optimize")
public func vecstore_collection_optimize(
    _ collection: OpaquePointer!, _ options: UnsafePointer<vecstore_work_options>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCollection(collection) { (collection) throws(VecStoreError) in
            try collection.optimize(progress: checkedOptions(options).progress)
        }
    }
}

@_cdecl("vecstore_collection_compact")
public func vecstore_collection_compact(
    _ collection: OpaquePointer!, _ options: UnsafePointer<vecstore_work_options>!,
    _ bytes_before: UnsafeMutablePointer<UInt64>!, _ bytes_after: UnsafeMutablePointer<UInt64>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCollection(collection) { (collection) throws(VecStoreError) in
            let disk = try collection.compact(progress: checkedOptions(options).progress)
            bytes_before?.pointee = UInt64(disk.before)
            bytes_after?.pointee = UInt64(disk.after)
        }
    }
}

// MARK: - Reading

@_cdecl("vecstore_collection_count")
public func vecstore_collection_count(
    _ collection: OpaquePointer!, _ filter: UnsafePointer<CChar>!, _ count: UnsafeMutablePointer<UInt64>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCollection(collection) { (collection) throws(VecStoreError) in
            try checked(count, "count").pointee = UInt64(collection.count(where: checkedJSON(filter)))
        }
    }
}

@_cdecl("vecstore_collection_revision")
public func vecstore_collection_revision(
    _ collection: OpaquePointer!, _ revision: UnsafeMutablePointer<UInt64>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCollection(collection) { (collection) throws(VecStoreError) in
            try checked(revision, "revision").pointee = collection.revision()
        }
    }
}

@_cdecl("vecstore_collection_get")
public func vecstore_collection_get(
    _ collection: OpaquePointer!, _ ids: UnsafePointer<vecstore_id>!, _ n: Int, _ vector_name: UnsafePointer<CChar>!,
    _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    found(collection, out) { (collection) throws(VecStoreError) in
        let ids = try checkedIDs(ids, n)
        let points = try collection.get(ids, withVectors: vector_name != nil)
        return try pointHits(zip(ids, points).map { ($0, $1) }, vector_name, collection)
    }
}

@_cdecl("vecstore_collection_scroll")
public func vecstore_collection_scroll(
    _ collection: OpaquePointer!, _ after: UnsafePointer<vecstore_id>!, _ limit: Int, _ filter: UnsafePointer<CChar>!,
    _ vector_name: UnsafePointer<CChar>!, _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    found(collection, out) { (collection) throws(VecStoreError) in
        let last = try after.map { (after) throws(VecStoreError) in try checkedID(after.pointee, "after.text") }
        let points = try collection.scroll(
            after: last, limit: clamped(limit), filter: checkedJSON(filter), withVectors: vector_name != nil)
        return try pointHits(points.map { ($0.id, $0) }, vector_name, collection)
    }
}

@_cdecl("vecstore_collection_scroll_ordered")
public func vecstore_collection_scroll_ordered(
    _ collection: OpaquePointer!, _ order: UnsafePointer<vecstore_order_options>!, _ limit: Int,
    _ filter: UnsafePointer<CChar>!, _ vector_name: UnsafePointer<CChar>!, _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    found(collection, out) { (collection) throws(VecStoreError) in
        let points = try collection.scroll(
            by: checkedOrder(order), limit: clamped(limit), filter: checkedJSON(filter), withVectors: vector_name != nil)
        return try pointHits(
            points.map { ($0.point.id, $0.point) }, vector_name, collection, values: points.map(\.value))
    }
}

@_cdecl("vecstore_collection_search")
public func vecstore_collection_search(
    _ collection: OpaquePointer!, _ queries: UnsafeRawPointer!, _ dtype: vecstore_dtype, _ nq: Int, _ k: Int,
    _ options: UnsafePointer<vecstore_query_options>!, _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    found(collection, out) { (collection) throws(VecStoreError) in
        let o = try checkedQueryOptions(options)
        let k = try checkedK(k)
        let rows = try checkedQueries(queries, dtype, nq, collection, o.vectorName)
        let results = try collection.search(rows.pointer, type: rows.type, count: rows.count, k: k, o)
        return try HitsBox(results, withPayload: o.withPayload, dimension: o.withVector ? rows.dimension : nil, trace: o.trace)
    }
}

@_cdecl("vecstore_collection_search_groups")
public func vecstore_collection_search_groups(
    _ collection: OpaquePointer!, _ query: UnsafeRawPointer!, _ dtype: vecstore_dtype, _ group_by: UnsafePointer<CChar>!,
    _ groups: Int, _ group_size: Int, _ options: UnsafePointer<vecstore_query_options>!,
    _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    found(collection, out) { (collection) throws(VecStoreError) in
        let o = try checkedQueryOptions(options)
        let rows = try checkedQueries(query, dtype, 1, collection, o.vectorName)
        let found = try collection.searchGroups(
            rows.pointer, type: rows.type, by: checkedText(group_by, "group_by"), groups: checkedCount(groups, "groups"),
            groupSize: checkedCount(group_size, "group_size"), o)
        return try HitsBox(
            found.map(\.hits), withPayload: o.withPayload, dimension: o.withVector ? rows.dimension : nil,
            groups: found.map(\.value), trace: o.trace)
    }
}

@_cdecl("vecstore_collection_recommend")
public func vecstore_collection_recommend(
    _ collection: OpaquePointer!, _ positive: UnsafePointer<vecstore_id>!, _ n_positive: Int,
    _ negative: UnsafePointer<vecstore_id>!, _ n_negative: Int, _ k: Int,
    _ options: UnsafePointer<vecstore_query_options>!, _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    found(collection, out) { (collection) throws(VecStoreError) in
        let o = try checkedQueryOptions(options)
        let hits = try collection.recommend(
            positive: checkedIDs(positive, n_positive), negative: checkedIDs(negative, n_negative), k: checkedK(k), o)
        return try HitsBox(
            [hits], withPayload: o.withPayload, dimension: o.withVector ? try collection.dimension(of: o.vectorName) : nil,
            trace: o.trace)
    }
}

@_cdecl("vecstore_collection_facet")
public func vecstore_collection_facet(
    _ collection: OpaquePointer!, _ path: UnsafePointer<CChar>!, _ filter: UnsafePointer<CChar>!, _ limit: Int,
    _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    found(collection, out) { (collection) throws(VecStoreError) in
        let values = try collection.facet(checkedText(path, "path"), filter: checkedJSON(filter), limit: clamped(limit))
        let hits = values.map { Hit(id: .number(UInt64($0.count)), distance: .nan, score: Float($0.count)) }
        return try HitsBox([hits], withPayload: false, dimension: nil, groups: values.map(\.value))
    }
}

@_cdecl("vecstore_collection_search_text")
public func vecstore_collection_search_text(
    _ collection: OpaquePointer!, _ text: UnsafePointer<CChar>!, _ k: Int,
    _ options: UnsafePointer<vecstore_query_options>!, _ text_options: UnsafePointer<vecstore_text_options>!,
    _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    found(collection, out) { (collection) throws(VecStoreError) in
        let query = try checkedQueryOptions(options)
        let hits = try collection.searchText(
            checkedText(text, "text"), k: checkedK(k), checkedTextOptions(text_options, query))
        return try HitsBox([hits], withPayload: query.withPayload, dimension: nil, trace: query.trace)
    }
}

@_cdecl("vecstore_collection_search_hybrid")
public func vecstore_collection_search_hybrid(
    _ collection: OpaquePointer!, _ query: UnsafeRawPointer!, _ dtype: vecstore_dtype, _ text: UnsafePointer<CChar>!,
    _ k: Int, _ options: UnsafePointer<vecstore_query_options>!, _ text_options: UnsafePointer<vecstore_text_options>!,
    _ hybrid_options: UnsafePointer<vecstore_hybrid_options>!, _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> vecstore_status {
    found(collection, out) { (collection) throws(VecStoreError) in
        let o = try checkedQueryOptions(options)
        let hybrid = try checkedHybridOptions(hybrid_options, o, checkedTextOptions(text_options, o))
        let rows = try checkedQueries(query, dtype, 1, collection, o.vectorName)
        let hits = try collection.searchHybrid(
            rows.pointer, type: rows.type, text: checkedText(text, "text"), k: checkedK(k), hybrid)
        let dimension = o.withVector ? try collection.dimension(of: o.vectorName) : nil
        return try HitsBox([hits], withPayload: o.withPayload, dimension: dimension, trace: o.trace)
    }
}

@_cdecl("vecstore_collection_refresh")
public func vecstore_collection_refresh(
    _ collection: OpaquePointer!, _ changed: UnsafeMutablePointer<Bool>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCollection(collection) { (collection) throws(VecStoreError) in
            let isNew = try collection.refresh()
            changed?.pointee = isNew
        }
    }
}

@_cdecl("vecstore_collection_snapshot")
public func vecstore_collection_snapshot(
    _ collection: OpaquePointer!, _ path: UnsafePointer<CChar>!, _ options: UnsafePointer<vecstore_work_options>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCollection(collection) { (collection) throws(VecStoreError) in
            try collection.snapshot(checkedPath(path), progress: checkedOptions(options).progress)
        }
    }
}

@_cdecl("vecstore_collection_restore")
public func vecstore_collection_restore(
    _ snapshot: UnsafePointer<CChar>!, _ path: UnsafePointer<CChar>!, _ options: UnsafePointer<vecstore_work_options>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try PointCollection.restore(checkedPath(snapshot), to: checkedPath(path), progress: checkedOptions(options).progress)
    }
}

@_cdecl("vecstore_collection_verify")
public func vecstore_collection_verify(_ collection: OpaquePointer!) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCollection(collection) { (collection) throws(VecStoreError) in try collection.verify() }
    }
}

@_cdecl("vecstore_collection_describe")
public func vecstore_collection_describe(
    _ collection: OpaquePointer!, _ buffer: UnsafeMutablePointer<CChar>!, _ size: Int, _ needed: UnsafeMutablePointer<Int>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCollection(collection) { (collection) throws(VecStoreError) in
            try copy(collection.describe(), to: buffer, size, needed)
        }
    }
}

@_cdecl("vecstore_collection_repair")
public func vecstore_collection_repair(
    _ collection: OpaquePointer!, _ options: UnsafePointer<vecstore_work_options>!, _ damages: UnsafeMutablePointer<Int>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCollection(collection) { (collection) throws(VecStoreError) in
            let found = try collection.repair(progress: checkedOptions(options).progress)
            damages?.pointee = found.count
        }
    }
}

@_cdecl("vecstore_collection_repair_report")
public func vecstore_collection_repair_report(
    _ collection: OpaquePointer!, _ buffer: UnsafeMutablePointer<CChar>!, _ size: Int, _ needed: UnsafeMutablePointer<Int>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try withCollection(collection) { (collection) throws(VecStoreError) in
            try copy(collection.repairReport().json, to: buffer, size, needed)
        }
    }
}

// MARK: - Hits

@_cdecl("vecstore_hits_get")
public func vecstore_hits_get(
    _ hits: OpaquePointer!, _ view: UnsafeMutablePointer<vecstore_hits_view>!
) -> vecstore_status {
    status { () throws(VecStoreError) in
        try HandleTable.shared.with(hits, .hits, as: HitsBox.self) { (hits) throws(VecStoreError) in
            let view = try checked(view, "view")
            var filled = vecstore_hits_view()
            hits.fill(&filled)
            try write(filled, to: view, "vecstore_hits_view", firstSize: vecstore_hits_view_first_size)
        }
    }
}

@_cdecl("vecstore_hits_free")
public func vecstore_hits_free(_ hits: OpaquePointer!) {
    HandleTable.shared.release(hits, .hits)
}

/// Runs what finds points, and gives the caller a handle of them.
private func found(
    _ collection: OpaquePointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?,
    _ body: (PointCollection) throws(VecStoreError) -> HitsBox
) -> vecstore_status {
    status { () throws(VecStoreError) in
        let result = try checked(out, "out")
        result.pointee = nil
        try withCollection(collection) { (collection) throws(VecStoreError) in
            result.pointee = try HandleTable.shared.make(body(collection), .hits)
        }
    }
}

/// Points by their ids as hits: nil is a point that is not there.
/// - Parameter values: By which they came, as JSON.
private func pointHits(
    _ points: [(PointID, Point?)], _ vectorName: UnsafePointer<CChar>?, _ collection: PointCollection,
    values: [[UInt8]]? = nil
) throws(VecStoreError) -> HitsBox {
    var name: String?
    var dimension: Int?
    if vectorName != nil {
        let wanted = try checkedVectorName(vectorName)
        dimension = try collection.dimension(of: wanted)
        name = wanted ?? collection.settings[0].name
    }
    let hits = points.map { (id, point) in
        Hit(
            id: id, distance: .nan, score: .nan, payload: point?.payload, vector: name.flatMap { point?.vectors[$0] },
            expires: point?.expires)
    }
    return try HitsBox([hits], withPayload: true, dimension: dimension, groups: values, withExpires: true)
}

private func checkedQueries(
    _ queries: UnsafeRawPointer?, _ dtype: vecstore_dtype, _ nq: Int, _ collection: PointCollection, _ name: String?
) throws(VecStoreError) -> (pointer: UnsafeRawPointer, type: ElementType, count: Int, dimension: Int) {
    let type = try checkedType(dtype)
    let count = try checkedCount(nq, "nq")
    let dimension = try collection.dimension(of: name)
    try checkedSize(count, max(type.rowSize(dimension), 4 * dimension), "queries")
    return (try checked(queries, "queries", count: count), type, count, dimension)
}

private func checkedFieldType(_ name: String) throws(VecStoreError) -> FieldIndexType {
    guard let type = FieldIndexType(rawValue: name) else {
        let allowed = FieldIndexType.allCases.map(\.rawValue).joined(separator: ", ")
        throw VecStoreError(.invalidArgument, "type is '\(name)': allowed are \(allowed)")
    }
    return type
}

private func checkedTokenizer(_ name: String?) throws(VecStoreError) -> Tokenizer.Kind {
    guard let name else { return .words }
    guard let kind = Tokenizer.Kind(rawValue: name) else {
        let allowed = Tokenizer.Kind.allCases.map(\.rawValue).joined(separator: ", ")
        throw VecStoreError(.invalidArgument, "tokenizer is '\(name)': allowed are \(allowed)")
    }
    return kind
}
