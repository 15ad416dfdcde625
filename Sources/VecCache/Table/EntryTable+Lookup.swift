// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension EntryTable {
    /// What a lookup goes by.
    struct Moment {
        /// Records that came later are passed over.
        let serial: UInt64
        /// Milliseconds since 1970.
        let now: Int64
        let filter: FilterSet?

        func passes(_ record: EntryRecord) -> Bool {
            record.serial <= serial && !record.isExpired(at: now) && filter?.contains(record.number) ?? true
        }
    }

    /// - Parameter filter: As JSON; nil: all entries.
    func moment(_ filter: [UInt8]?) throws(VecStoreError) -> Moment {
        // First: of each record up to this one filters have taken note.
        let serial = lastSerial
        let set = try filter.map { text throws(VecStoreError) in try filterSet(text) }
        return Moment(serial: serial, now: now, filter: set)
    }

    /// The entry of a prompt, word for word, and whether another one has come since the moment, perhaps in its place.
    func exact(_ prompt: [UInt8], _ moment: Moment) -> (record: EntryRecord?, hasChanged: Bool) {
        var hasChanged = false
        let record = newest(of: prompt) { record in
            if record.serial > moment.serial { hasChanged = true }
            return moment.passes(record)
        }
        return (record, hasChanged)
    }

    struct Nearest {
        var hits: [(record: EntryRecord, similarity: Float)] = []
        /// Of the nearest entry, whether it was a hit or not.
        var best: Float?
        /// Whether a row that is near enough is that of an entry that is gone, or has come since the moment: perhaps one was put in the
        /// place of another while they were looked for.
        var hasChanged = false
    }

    /// Rows that are looked at for one hit: some may be passed over.
    private static let leastWidth = 8
    /// Rows that are looked at in the worst case.
    private static let mostWidth = 4096
    /// Prompts that are compared in the worst case: they may be long.
    private static let mostGuarded = 64

    /// The nearest entries.
    /// - Parameters:
    ///   - query: Of norm 1.
    ///   - prompt: What the prompts of hits have to agree with; nil: they need not.
    func nearest(
        _ query: [Float], k: Int, threshold: Float, agreeingWith prompt: [UInt8]?, _ moment: Moment
    ) throws(VecStoreError) -> Nearest {
        searches.add(1, ordering: .relaxed)
        var width = max(EntryTable.leastWidth, k + k / 2)
        while true {
            let layers = index.current
            let candidates: [EntryIndex.Candidate]
            if let filter = moment.filter {
                candidates = try filter.withRowFilter { filter throws(VecStoreError) in
                    try index.search(query, width: width, filter: filter, in: layers)
                }
            } else {
                candidates = try index.search(query, width: width, filter: RowFilter(.none), in: layers)
            }
            let result = judge(candidates, query, k: k, threshold: threshold, prompt, moment)
            if result.nearest.hits.count == k || candidates.count < width || width >= EntryTable.mostWidth
                || (candidates.last?.similarity ?? -1) < threshold || result.guarded == EntryTable.mostGuarded
            {
                if result.guarded > 0 { counters.guardRefusals.add(result.guarded, ordering: .relaxed) }
                if result.corrected > 0 { counters.feedbackRefusals.add(result.corrected, ordering: .relaxed) }
                return result.nearest
            }
            width = min(4 * width, EntryTable.mostWidth)
        }
    }

    /// The hits among candidates, and how many were passed over for what reason.
    private func judge(
        _ candidates: [EntryIndex.Candidate], _ query: [Float], k: Int, threshold: Float, _ prompt: [UInt8]?,
        _ moment: Moment
    ) -> (nearest: Nearest, guarded: Int, corrected: Int) {
        var nearest = Nearest()
        var guarded = 0, corrected = 0
        // Made for the first that is near enough: a miss needs none.
        var signs: PromptSigns?
        for (candidate, record) in zip(candidates, records(candidates)) {
            let similarity = candidate.similarity
            guard let record, moment.passes(record) else {
                if similarity >= threshold && record?.serial ?? .max > moment.serial { nearest.hasChanged = true }
                continue
            }
            if nearest.best == nil { nearest.best = similarity }
            if similarity < threshold || nearest.hits.count == k { break }
            // While its row moves it is in two layers.
            if nearest.hits.contains(where: { $0.record === record }) { continue }
            if isCorrected(record, query, similarity) {
                corrected += 1
                continue
            }
            if let prompt {
                let own = signs ?? PromptSigns(prompt)
                signs = own
                if !own.agree(with: PromptSigns(record.prompt)) {
                    guarded += 1
                    if guarded == EntryTable.mostGuarded { break }
                    continue
                }
            }
            nearest.hits.append((record, similarity))
        }
        return (nearest, guarded, corrected)
    }

    /// Whether a query is nearer to one that this entry was wrong for than to the entry.
    private func isCorrected(_ record: EntryRecord, _ query: [Float], _ similarity: Float) -> Bool {
        record.negatives.contains { UnitVector.similarity(query, $0, dimension) >= similarity }
    }

    /// How near a query is to an entry; nil where that is gone.
    func similarity(_ record: EntryRecord, _ query: [Float]) -> Float? {
        index.row(record.number).map { UnitVector.similarity(query, $0, dimension) }
    }
}
