// SPDX-License-Identifier: Apache-2.0

import VecCollection

extension PointCollection {
    /// Has the caller put hits in another order: a search finds more of them than are wanted, and the best k of what is made of them,
    /// after `offset`, are the result.
    ///
    ///     try points.search(query, k: 3, rerank: .scores { hits in try model.scores(question, hits.map(\.payload)) })
    ///     try points.search(query, k: 3, rerank: .order(candidates: 20) { hits in hits.sorted { $0.id.text ?? "" < $1.id.text ?? "" } })
    ///
    /// Of several queries it is called for each, on the thread that searches, and not where there are no hits. What it throws ends
    /// the search: a `VecStoreError` as it is, anything else as `.cancelled` with its text in the message.
    public struct Rerank {
        private enum Answer {
            case order(([Hit]) throws -> [Hit])
            case scores(([Hit]) throws -> [Float])
        }

        /// The most hits that it gets, 1 to 1,048,576; k + offset at least.
        public var candidates: Int
        private let answer: Answer

        /// - Parameter body: Gets hits, best first, and returns them in their new order, without those that it leaves out.
        public static func order(candidates: Int = 100, _ body: @escaping ([Hit]) throws -> [Hit]) -> Rerank {
            Rerank(candidates: candidates, answer: .order(body))
        }

        /// - Parameter body: Gets hits, best first, and returns a number for each, the larger the better, which becomes its `score`.
        public static func scores(candidates: Int = 100, _ body: @escaping ([Hit]) throws -> [Float]) -> Rerank {
            Rerank(candidates: candidates, answer: .scores(body))
        }
    }
}

extension PointCollection.Rerank {
    fileprivate func ordered(_ hits: [PointCollection.Hit]) throws(VecStoreError) -> [PointCollection.Hit] {
        do {
            return switch answer {
            case .order(let body): try checked(try body(hits), hits)
            case .scores(let body): try scored(hits, by: try body(hits))
            }
        } catch let error as VecStoreError {
            throw error
        } catch {
            throw VecStoreError(CoreError(.cancelled, "rerank: \(error)"))
        }
    }

    private func checked(
        _ answer: [PointCollection.Hit], _ hits: [PointCollection.Hit]
    ) throws(VecStoreError) -> [PointCollection.Hit] {
        // A point is found once.
        var left = Dictionary(hits.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        var result: [PointCollection.Hit] = []
        for (i, hit) in answer.enumerated() {
            guard let known = left.removeValue(forKey: hit.id) else {
                throw VecStoreError(
                    CoreError(
                        .invalidArgument, "rerank: the hit at \(i), id \(hit.id), came before, or is none of those that were given"))
            }
            result.append(known)
        }
        return result
    }

    private func scored(_ hits: [PointCollection.Hit], by scores: [Float]) throws(VecStoreError) -> [PointCollection.Hit] {
        guard scores.count == hits.count else {
            throw VecStoreError(
                CoreError(.invalidArgument, "rerank: there are \(scores.count) scores for \(hits.count) hits"))
        }
        var result: [(place: Int, hit: PointCollection.Hit)] = []
        for (i, score) in scores.enumerated() {
            if score.isNaN { throw VecStoreError(CoreError(.invalidArgument, "rerank: the score at \(i) is not a number")) }
            var hit = hits[i]
            hit.score = score
            result.append((i, hit))
        }
        // Those with the same score stay as they were.
        return result.sorted { ($1.hit.score, $0.place) < ($0.hit.score, $1.place) }.map(\.hit)
    }
}

/// How many hits a search finds, and which of them are wanted in the end.
struct Reranking {
    /// What the search is asked for.
    let k: Int
    let offset: Int
    private let rerank: PointCollection.Rerank?
    private let wanted: Range<Int>

    init(_ rerank: PointCollection.Rerank?, k: Int, offset: Int) throws(VecStoreError) {
        self.rerank = rerank
        guard let rerank else {
            (self.k, self.offset, wanted) = (k, offset, 0..<0)
            return
        }
        let reach = try rethrow { () throws(CoreError) in
            try checkNumber(rerank.candidates, "candidates of rerank")
            return try checkedReach(k, offset: offset)
        }
        (self.k, self.offset, wanted) = (max(rerank.candidates, reach), 0, offset..<reach)
    }

    func chosen(_ hits: [PointCollection.Hit]) throws(VecStoreError) -> [PointCollection.Hit] {
        guard let rerank, !hits.isEmpty else { return hits }
        return Array(try rerank.ordered(hits).dropFirst(wanted.lowerBound).prefix(wanted.count))
    }
}
