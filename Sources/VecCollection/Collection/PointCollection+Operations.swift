// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

// What callers do with a collection: each is counted and timed once, whatever it is made of. What they do is said where it is
// done.

extension PointCollection {
    // MARK: - Writing

    /// See `upsertPoints`.
    package func upsert(_ batch: PointBatch) throws(VecStoreError) {
        try measured(.upsert) { () throws(VecStoreError) in try upsertPoints(batch) }
    }

    /// See `replaceVectors`.
    package func updateVectors(_ ids: [PointID], _ vectors: [PointBatch.Vectors]) throws(VecStoreError) {
        try measured(.updateVectors) { () throws(VecStoreError) in try replaceVectors(ids, vectors) }
    }

    /// See `removePoints`.
    @discardableResult
    package func remove(_ ids: [PointID]) throws(VecStoreError) -> Int {
        try measured(.remove) { () throws(VecStoreError) in try removePoints(ids) }
    }

    @discardableResult
    package func remove(where filter: [UInt8]) throws(VecStoreError) -> Int {
        try measured(.remove) { () throws(VecStoreError) in try removePoints(where: filter) }
    }

    /// See `changePayloads`.
    @discardableResult
    package func changePayload(_ selection: PointSelection, _ change: PayloadChange) throws(VecStoreError) -> Int {
        try measured(.changePayload) { () throws(VecStoreError) in try changePayloads(selection, change) }
    }

    /// See `addPayloadIndex`.
    package func createPayloadIndex(
        _ path: String, type: FieldIndexType, tokenizer: Tokenizer.Kind = .words
    ) throws(VecStoreError) {
        try measured(.createPayloadIndex) { () throws(VecStoreError) in
            try addPayloadIndex(path, type: type, tokenizer: tokenizer)
        }
    }

    /// See `removePayloadIndex`.
    package func dropPayloadIndex(_ path: String, type: FieldIndexType?) throws(VecStoreError) {
        try measured(.dropPayloadIndex) { () throws(VecStoreError) in try removePayloadIndex(path, type: type) }
    }

    // MARK: - Reading

    /// See `findPoints`.
    package func get(_ ids: [PointID], withVectors: Bool = true) throws(VecStoreError) -> [Point?] {
        try measured(.get) { () throws(VecStoreError) in try findPoints(ids, withVectors: withVectors) }
    }

    /// See `readPage`.
    package func scroll(
        after: PointID?, limit: Int, filter: [UInt8]?, withVectors: Bool = false
    ) throws(VecStoreError) -> [Point] {
        try measured(.scroll) { () throws(VecStoreError) in
            try readPage(after: after, limit: limit, filter: filter, withVectors: withVectors)
        }
    }

    /// See `readOrderedPage`.
    package func scroll(
        by order: ScrollOrder, limit: Int, filter: [UInt8]?, withVectors: Bool = false
    ) throws(VecStoreError) -> [OrderedPoint] {
        try measured(.scrollOrdered) { () throws(VecStoreError) in
            try readOrderedPage(by: order, limit: limit, filter: filter, withVectors: withVectors)
        }
    }

    /// See `countPoints`.
    package func count(where filter: [UInt8]?) throws(VecStoreError) -> Int {
        try measured(.count) { () throws(VecStoreError) in try countPoints(where: filter) }
    }

    /// See `countValues`.
    package func facet(
        _ path: String, filter: [UInt8]?, limit: Int
    ) throws(VecStoreError) -> [(value: [UInt8], count: Int)] {
        try measured(.facet) { () throws(VecStoreError) in try countValues(path, filter: filter, limit: limit) }
    }

    // MARK: - Searching

    /// See `findNearest`.
    package func search(
        _ queries: UnsafeRawPointer, type: ElementType, count: Int, k: Int, _ options: VectorSearchOptions
    ) throws(VecStoreError) -> [[Hit]] {
        try measured(.search) { () throws(VecStoreError) in
            try findNearest(queries, type: type, count: count, k: k, options)
        }
    }

    /// See `findGroups`.
    package func searchGroups(
        _ query: UnsafeRawPointer, type: ElementType, by path: String, groups: Int, groupSize: Int, _ options: VectorSearchOptions
    ) throws(VecStoreError) -> [HitGroup] {
        try measured(.searchGroups) { () throws(VecStoreError) in
            try findGroups(query, type: type, by: path, groups: groups, groupSize: groupSize, options)
        }
    }

    /// See `findAlike`.
    package func recommend(
        positive: [PointID], negative: [PointID], k: Int, _ options: VectorSearchOptions
    ) throws(VecStoreError) -> [Hit] {
        try measured(.recommend) { () throws(VecStoreError) in
            try findAlike(positive: positive, negative: negative, k: k, options)
        }
    }

    /// See `findByWords`.
    package func searchText(_ text: String, k: Int, _ options: TextSearchOptions) throws(VecStoreError) -> [Hit] {
        try measured(.searchText) { () throws(VecStoreError) in try findByWords(text, k: k, options) }
    }

    /// See `findByBoth`.
    package func searchHybrid(
        _ query: UnsafeRawPointer, type: ElementType, text: String, k: Int, _ options: HybridSearchOptions
    ) throws(VecStoreError) -> [Hit] {
        try measured(.searchHybrid) { () throws(VecStoreError) in
            try findByBoth(query, type: type, text: text, k: k, options)
        }
    }

    // MARK: - Upkeep

    /// See `showChanges`.
    @discardableResult
    package func refresh() throws(VecStoreError) -> Bool {
        try measured(.refresh) { () throws(VecStoreError) in try showChanges() }
    }

    /// See `indexAll`.
    package func optimize(progress: Progress? = nil) throws(VecStoreError) {
        try measured(.optimize) { () throws(VecStoreError) in try indexAll(progress: progress) }
    }

    /// See `compactAll`.
    @discardableResult
    package func compact(progress: Progress? = nil) throws(VecStoreError) -> (before: Int, after: Int) {
        try measured(.compact) { () throws(VecStoreError) in try compactAll(progress: progress) }
    }

    /// See `checkAll`.
    package func verify() throws(VecStoreError) {
        try measured(.verify) { () throws(VecStoreError) in try checkAll() }
    }

    /// See `repairAll`.
    package func repair(progress: Progress? = nil) throws(VecStoreError) -> [Damage] {
        try measured(.repair) { () throws(VecStoreError) in try repairAll(progress: progress) }
    }

    /// See `writeSnapshot`.
    package func snapshot(_ path: String, progress: Progress? = nil) throws(VecStoreError) {
        try measured(.snapshot) { () throws(VecStoreError) in try writeSnapshot(path, progress: progress) }
    }

    // MARK: - Files

    /// See `readFile`.
    package func importFile(
        _ path: String, _ options: ImportOptions, _ result: inout ImportResult
    ) throws(VecStoreError) {
        try measured(.importFile) { () throws(VecStoreError) in try readFile(path, options, &result) }
    }

    /// See `writeFile`.
    @discardableResult
    package func exportFile(_ path: String, _ options: ExportOptions) throws(VecStoreError) -> Int {
        try measured(.exportFile) { () throws(VecStoreError) in try writeFile(path, options) }
    }

    /// Writes points from elsewhere than a file, by any number of batches.
    package func importing<R>(_ body: () throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        try measured(.importFile) { () throws(VecStoreError) in
            guard writer != nil else { throw VecStoreError(.readOnly, "'\(directory)' is open for reading alone") }
            return try body()
        }
    }

    /// Writes points to elsewhere than a file.
    package func exporting<R>(_ body: () throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        try measured(.exportFile, body)
    }

    // MARK: - Measuring

    @inline(__always)
    func measured<R>(_ operation: Operation, _ body: () throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        let start = ticks()
        do throws(VecStoreError) {
            // Before any lock is asked for: in the child of a fork its holder may not exist.
            try checkUsable()
            let result = try body()
            note(operation, .ok, nanoseconds: ticks() - start)
            return result
        } catch {
            note(operation, CallEnd(error.code), nanoseconds: ticks() - start)
            throw error
        }
    }

    @inline(__always)
    private func note(_ operation: Operation, _ end: CallEnd, nanoseconds: Int64) {
        calls.note(operation, end, nanoseconds: nanoseconds)
        if nanoseconds >= log.slowNanoseconds { tellSlow(operation, end, nanoseconds) }
    }

    @inline(never)
    private func tellSlow(_ operation: Operation, _ end: CallEnd, _ nanoseconds: Int64) {
        let status = end.place == CallEnd.ok.place ? "" : ", and ended with \(CallEnd.all[end.place])"
        log.tell(.warning, "'\(directory)': \(operation.name) took \(milliseconds(nanoseconds))\(status)")
    }
}
