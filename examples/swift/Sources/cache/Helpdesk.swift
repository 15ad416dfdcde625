// Answers questions by a search, where nobody has asked them before.
// SPDX-License-Identifier: Apache-2.0
import Packages
import VecStore

struct Helpdesk {
    /// What came of some questions.
    struct Round {
        var answers: [String] = []
        var hits = 0
        var lookups = Duration.zero
    }

    private let packages: [(name: String, text: String)]
    private let cache: SemanticCache
    private let index: Index

    init(_ data: Dataset, _ cache: SemanticCache) throws {
        packages = data.packages
        self.cache = cache
        index = try Index(dimension: data.base[0].count, metric: .cosine)
        try index.add(data.base)
    }

    /// Answers questions as a program with a cache does.
    func ask(_ questions: [Dataset.Question], onHit: (Dataset.Question, SemanticCache.Hit) -> Void) async throws -> Round {
        var round = Round()
        for question in questions {
            // On a thread of the cache's own: Redis may keep it waiting, and the threads of tasks must not wait.
            let (hit, took) = try await cache.run { cache in
                var hit: SemanticCache.Hit?
                let took = try ContinuousClock().measure { hit = try cache.get(prompt: question.text, vector: question.vector) }
                return (hit, took)
            }
            round.lookups += took
            if let hit {
                round.hits += 1
                round.answers.append(hit.response)
                onHit(question, hit)
            } else {
                let response = try answer(question)
                try await cache.run { try $0.set(prompt: question.text, response: response, vector: question.vector) }
                round.answers.append(response)
            }
        }
        return round
    }

    /// What takes time and money in a real program: here a search, there a call of a model.
    func answer(_ question: Dataset.Question) throws -> String {
        try index.search(question.vector, k: 3).map { packages[Int($0.id)].name }.joined(separator: ", ")
    }
}
