// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Queries and what they should find, and from that the least setting with which searches reach a recall.
package struct Calibrator {
    /// Most queries that are taken.
    private static let mostQueries = 1000
    private static let ownQueries = 200

    private let queries: UnsafeRawPointer
    private let type: ElementType
    private let count: Int
    private let k: Int
    /// Results that searches are asked for: k, and one more where a query finds itself.
    let depth: Int
    private let wanted: Float
    private let isOwn: Bool
    /// Rows of the index, where these serve.
    private let own: Buffer?
    private let truth: ResultRoom

    /// How queries are searched for: queries, their type, how many, results for each, and where these go.
    package typealias Search = (UnsafeRawPointer, ElementType, Int, Int, SearchOutput) throws(VecStoreError) -> Void

    /// - Parameters:
    ///   - queries: nil: rows of the index, which find themselves more easily than strangers do.
    ///   - truth: Compares with all rows.
    init(
        _ index: some VectorIndex, _ queries: UnsafeRawPointer?, type: ElementType, count: Int, k: Int, recall: Float,
        truth search: Search
    ) throws(VecStoreError) {
        guard recall > 0 && recall <= 1 else {
            throw VecStoreError(.invalidArgument, "recall is \(recall): allowed is above 0, up to 1")
        }
        guard index.count > 0 else { throw Calibrator.nothingThere }
        if let queries {
            guard count > 0 else {
                throw VecStoreError(.invalidArgument, "there are no queries: pass some, or NULL for rows of the index")
            }
            self.queries = queries
            self.type = type
            self.count = min(count, Calibrator.mostQueries)
            own = nil
        } else {
            let (rows, taken) = try Calibrator.sampleRows(of: index)
            self.queries = UnsafeRawPointer(rows.base)
            self.type = index.elementType
            self.count = taken
            own = rows
        }
        isOwn = queries == nil
        self.k = k
        wanted = recall
        depth = min(isOwn ? k + 1 : k, Limits.k)
        truth = try ResultRoom(self.count, depth)
        try search(self.queries, self.type, self.count, depth, truth.output)
    }

    /// The least setting of a range that reaches the recall; of a larger one results are no worse. Where none does: the largest.
    /// - Returns: A calibration without the setting, which comes beside it.
    func least(
        _ range: ClosedRange<Int>,
        _ search: (Int, UnsafeRawPointer, ElementType, Int, Int, SearchOutput) throws(VecStoreError) -> Void
    ) throws(VecStoreError) -> (Int, Calibration) {
        let found = try ResultRoom(count, depth)
        func measure(_ setting: Int) throws(VecStoreError) -> Float {
            try search(setting, queries, type, count, depth, found.output)
            return found.recall(truth, isOwn: isOwn)
        }
        var setting = range.lowerBound
        var reached = try measure(setting)
        var low = range.lowerBound - 1
        while reached < wanted && setting < range.upperBound {
            low = setting
            setting = min(2 * setting, range.upperBound)
            reached = try measure(setting)
        }
        // Between the last that was too small and this one.
        while reached >= wanted && setting - low > max(1, setting / 32) {
            let middle = (low + setting) / 2
            let value = try measure(middle)
            if value >= wanted {
                setting = middle
                reached = value
            } else {
                low = middle
            }
        }
        withExtendedLifetime(own) {}
        return (setting, Calibration(k: k, targetRecall: wanted, recall: reached, usesOwnRows: isOwn))
    }

    private static let nothingThere = VecStoreError(.invalidArgument, "the index is empty: there is nothing to measure")

    /// Rows spread over an index.
    private static func sampleRows(of index: some VectorIndex) throws(VecStoreError) -> (Buffer, Int) {
        let total = index.count
        let n = min(total, Calibrator.ownQueries)
        let idMemory = try allocate(UInt64.self, total, for: "a sample")
        let listed = index.ids(offset: 0, capacity: total, idMemory.pointer(UInt64.self))
        let wanted = min(n, listed)
        let size = index.elementType.rowSize(index.dimension)
        let rows = try allocate(UInt8.self, n * size, for: "a sample")
        var taken = 0
        for i in 0..<wanted {
            var id = idMemory.pointer(UInt64.self)[i * listed / max(wanted, 1)]
            do throws(VecStoreError) {
                try index.get(&id, 1, as: index.elementType, rows.base + taken * size)
                taken += 1
            } catch {
                // Another thread has removed it since.
                guard error.code == .notFound else { throw error }
            }
        }
        guard taken > 0 else { throw nothingThere }
        return (rows, taken)
    }

    /// Memory for the results of some queries.
    private struct ResultRoom {
        let count: Int
        let k: Int
        private let memory: Buffer
        let output: SearchOutput

        init(_ count: Int, _ k: Int) throws(VecStoreError) {
            self.count = count
            self.k = k
            guard let cells = product(count, k, 12) else {
                throw VecStoreError(.tooLarge, "\(count) queries for k \(k) have too many results")
            }
            memory = try allocate(UInt8.self, cells, for: "a calibration")
            output = SearchOutput(
                ids: memory.pointer(UInt64.self), distances: memory.pointer(Float.self, at: 8 * count * k), counts: nil)
        }

        /// The share of the true results that are as near as those found, whichever of equals they are.
        func recall(_ truth: ResultRoom, isOwn: Bool) -> Float {
            var hits = 0, wanted = 0
            for i in 0..<count {
                let first = isOwn ? 1 : 0
                var last = first
                for j in first..<k where truth.output.ids[i * k + j] != noID { last = j + 1 }
                if last == first { continue }
                let limit = truth.output.distances[i * k + last - 1]
                wanted += last - first
                var near = 0
                for j in 0..<k
                where output.ids[i * k + j] != noID && output.distances[i * k + j] <= limit + abs(limit) * 1e-5 {
                    near += 1
                }
                hits += min(max(near - first, 0), last - first)
            }
            return wanted == 0 ? 1 : Float(hits) / Float(wanted)
        }
    }
}

extension VectorIndex {
    /// The least `ef_search` with which rows of the index, as queries, reach a recall: whoever knows which rows count compares and
    /// searches. Nothing is kept.
    /// - Parameters:
    ///   - most: The largest `ef_search` that is tried, where k is less. Where that is not enough, it is what comes, with its recall.
    ///   - truth: Compares with all rows.
    ///   - search: Searches with an `ef_search`.
    package func leastEFSearch(
        k: Int, recall: Float, most: Int, truth: Calibrator.Search,
        search: (Int, UnsafeRawPointer, ElementType, Int, Int, SearchOutput) throws(VecStoreError) -> Void
    ) throws(VecStoreError) -> Calibration {
        let calibrator = try Calibrator(self, nil, type: elementType, count: 0, k: k, recall: recall, truth: truth)
        var (ef, found) = try calibrator.least(calibrator.depth...max(most, calibrator.depth), search)
        found.efSearch = ef
        return found
    }
}
