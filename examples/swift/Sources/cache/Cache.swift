// Answers that are kept by their questions, and found again by questions that mean the same.
// SPDX-License-Identifier: Apache-2.0
import Foundation
import Packages
import VecStore

/// Usage: cache [DIRECTORY OF THE DATA]
///
/// Asks the questions of asked.txt twice. Answers are kept in this process, or in the Redis that REDIS_URL says.
///
/// Exits with 1 where a question that was answered is not found again, or one that was said to be answered wrongly is.
@main
struct Cache {
    /// The least similarity of two questions that get one answer: these embeddings put the same in other words at 0.8 to 0.95.
    static let threshold: Float = 0.8

    static func main() async {
        do {
            try await run(directory: CommandLine.arguments.dropFirst().first ?? "../data")
        } catch {
            FileHandle.standardError.write(Data("cache: \(error)\n".utf8))
            exit(1)
        }
    }

    static func run(directory: String) async throws {
        let data = try Dataset(directory: URL(fileURLWithPath: directory))
        let redis = ProcessInfo.processInfo.environment["REDIS_URL"] ?? ""
        let cache = try SemanticCache(
            redis.isEmpty ? "memory:" : redis, namespace: "example-\(UUID())", dimension: data.base[0].count,
            model: "all-MiniLM-L6-v2", threshold: .similarity(threshold), ttl: .seconds(3600),
            // SHA224 is not SHA384, however near the questions are.
            options: .init(maxEntries: 10_000, eviction: .lfu, guardsPrompts: true))
        let helpdesk = try Helpdesk(data, cache)

        print("\(data.asked.count) questions; those that were answered before in other words:")
        let first = try await helpdesk.ask(data.asked) { question, hit in
            print("    " + String(format: "%.3f", hit.similarity) + "  \(pad(question.text, to: 52))  \(hit.prompt)")
        }
        print("\(first.hits) hits, \(micros(first)) µs a lookup; \(try cache.stats().guardRefusals) were near enough, but for a number or a name.")
        let second = try await helpdesk.ask(data.asked) { _, _ in }
        print("The same once more: \(second.hits) hits, \(micros(second)) µs a lookup.\n")
        try check(first.hits > 0 && second.hits == data.asked.count, "a question that was answered was not found again")
        try check(second.answers == first.answers, "an answer is not as it was")

        try correct(cache, helpdesk, data)
        let stats = try cache.stats()
        print("\(stats.entries) entries take \(stats.bytes / 1024) KiB; of \(stats.hits + stats.misses) lookups \(stats.hits) were hits.")
        try check(cache.health().status == .ok, "the cache is not well: \(cache.health().reasons.map(\.message))")
        try cache.clear()
        try cache.close()
    }

    /// An answer that does not fit is not given to this question any more.
    static func correct(_ cache: SemanticCache, _ helpdesk: Helpdesk, _ data: Dataset) throws {
        guard let question = data.asked.first(where: { $0.text == "create a unique temporary file" }),
            let wrong = try cache.get(prompt: question.text, vector: question.vector), wrong.tier == .semantic
        else { throw DatasetError(message: "there is no semantic hit to correct") }
        try cache.feedback(wrong, isWrong: true)
        try check(cache.get(prompt: question.text, vector: question.vector) == nil, "a wrong hit comes again")
        try check(cache.get(prompt: wrong.prompt)?.response == wrong.response, "the entry of a wrong hit is gone")
        try cache.set(prompt: question.text, response: helpdesk.answer(question), vector: question.vector)
        let right = try cache.get(prompt: question.text)
        print("\"\(question.text)\" was answered as \"\(wrong.prompt)\": \(wrong.response)")
        print("Somebody said that this was wrong. Now: \(right?.response ?? "")\n")
    }

    static func check(_ holds: Bool, _ message: String) throws {
        if !holds { throw DatasetError(message: message) }
    }

    static func micros(_ round: Helpdesk.Round) -> String {
        String(format: "%.0f", round.lookups / .microseconds(1) / Double(round.answers.count))
    }

    static func pad(_ text: String, to columns: Int) -> String {
        text + String(repeating: " ", count: max(0, columns - text.count))
    }
}
