// Finds Debian packages by what a question means: index, search, save, map back, filter; exactly and by a graph.
// SPDX-License-Identifier: Apache-2.0
import Foundation
import Packages
import VecStore

@main
struct Demo {
    static let k = 3
    static let shown = 12

    static func main() {
        do {
            try run()
        } catch {
            FileHandle.standardError.write(Data("demo: \(error)\n".utf8))
            exit(1)
        }
    }

    static func run() throws {
        let directory = CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : "../data"
        let data = try Dataset(directory: URL(fileURLWithPath: directory))

        // The id of a package is its position, because ids are assigned from 0 in the order of adding.
        // The vectors are Float16, as they come from the file; the index widens them.
        let index = try Index(.flat, dimension: data.base[0].count, metric: .cosine, elementType: .float32)
        let adding = try ContinuousClock().measure { try index.add(data.base) }
        print("\(index.count) package descriptions of Debian 12 indexed in \(milliseconds(adding)) ms.")
        print("Distance 0: the same meaning. Distance 1: nothing in common.\n")

        for (question, query) in zip(data.questions, data.queries).prefix(shown) {
            let (hits, micros) = try timed { try index.search(query, k: k) }
            show(question, micros, hits, data.packages)
        }
        let (answers, micros) = try timed { try index.search(data.queries, k: k) }
        print("All \(answers.count) questions in one call: \(micros / answers.count) µs each.\n")

        let mapped = try saveAndMap(index)
        guard same(answers, try mapped.search(data.queries, k: k)) else {
            throw DatasetError(message: "the mapped file answers differently from the index in memory")
        }
        print("the same \(answers.count) answers, to the last bit.\n")

        let graphical = data.packages.indices.filter { id in
            let text = data.packages[id].text
            return text.lowercased().contains("graphical") || text.contains("GUI")
        }
        print("With a filter, only the \(graphical.count) packages that call themselves graphical:\n")
        let question = "compare two files byte by byte"
        guard let position = data.questions.firstIndex(of: question) else {
            throw DatasetError(message: "the question for the filtered search is not in the data directory")
        }
        let filter = Filter.ids(graphical.map(UInt64.init))
        let (hits, time) = try timed { try mapped.search(data.queries[position], k: k, filter: filter) }
        show(question, time, hits, data.packages)

        try useGraph(data, exact: answers)
        print("Try next:")
        print("  Sources/VecStore     the Swift library, with its documentation")
        print("  examples/README.md   the same program in Python and in C")
        print("  make bench           how fast the library is on this machine")
    }

    /// The same with a graph, which compares a question with a small part of the packages only.
    /// - Parameter exact: The true answers.
    static func useGraph(_ data: Dataset, exact: [[Hit]]) throws {
        let index = try Index(.hnsw(), dimension: data.base[0].count, metric: .cosine)
        let building = try ContinuousClock().measure {
            try index.add(data.base)
            try index.optimize()
        }
        print("A graph of the same packages, built in \(milliseconds(building)) ms.")

        // Finds the least efSearch that answers questions like these well enough, and keeps it.
        let found = try index.calibrate(queries: data.queries, recall: 0.95, k: k)
        let percent = String(format: "%.1f", 100 * found.recall)
        print("Calibrated: with efSearch \(found.efSearch) it finds \(percent)% of the nearest.")

        let mapped = try saveAndMap(index)
        let (answers, micros) = try timed { try mapped.search(data.queries, k: k, targetRecall: 0.95) }
        let same = zip(answers, exact).map { Set($0.map(\.id)).intersection($1.map(\.id)).count }.reduce(0, +)
        print("\(same) of \(exact.count * k) answers, \(micros / answers.count) µs each.\n")
    }

    /// Saves the index to a file and maps it. When this returns the file has no name any more; it lives as long as its
    /// map.
    static func saveAndMap(_ index: Index) throws -> Index {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).vecstore").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try index.save(to: path)
        let start = ContinuousClock.now
        let mapped = try Index(opening: path)
        print("Saved to a file, mapped back in \(milliseconds(.now - start)) ms: ", terminator: "")
        return mapped
    }

    /// Whether all answers have the same ids and the same distances, bit for bit.
    static func same(_ a: [[Hit]], _ b: [[Hit]]) -> Bool {
        a.count == b.count
            && zip(a, b).allSatisfy { x, y in
                x.map(\.id) == y.map(\.id) && x.map(\.distance.bitPattern) == y.map(\.distance.bitPattern)
            }
    }

    /// The result of a search, and the microseconds of the fastest of five calls.
    static func timed<Result>(_ search: () throws -> Result) rethrows -> (result: Result, micros: Int) {
        var start = ContinuousClock.now
        var result = try search()
        var best = ContinuousClock.now - start
        for _ in 1..<5 {
            start = .now
            result = try search()
            best = min(best, .now - start)
        }
        return (result, Int(best / .microseconds(1)))
    }

    static func milliseconds(_ duration: Duration) -> String {
        String(format: "%.2f", duration / .milliseconds(1))
    }
}
