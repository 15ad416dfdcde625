// A durable collection of Debian packages: filters, search by words and meaning, groups, and a writer that is killed.
// SPDX-License-Identifier: Apache-2.0
import Foundation
import Packages
import VecStore

/// What a point carries besides its vector.
struct Package: Codable {
    var family: String
    var text: String
}

/// Usage: points [DIRECTORY OF THE DATA]
///
/// Exits with 1 where a search finds nothing, where a write that was acknowledged is gone after the writer was killed, or
/// where a check of the collection fails.
@main
struct Points {
    static func main() {
        do {
            let arguments = CommandLine.arguments.dropFirst()
            if arguments.first == "--write", let path = arguments.dropFirst().first {
                try Writer.write(to: path)
            }
            try run(directory: arguments.first ?? "../data")
        } catch {
            FileHandle.standardError.write(Data("points: \(error)\n".utf8))
            exit(1)
        }
    }

    static func run(directory: String) throws {
        let data = try Dataset(directory: URL(fileURLWithPath: directory))
        let temporary = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID())")
        try FileManager.default.createDirectory(at: temporary, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: temporary) }
        let path = temporary.appendingPathComponent("packages").path

        let points = try PointCollection(creating: path, dimension: data.base[0].count, metric: .cosine)
        try points.createPayloadIndex("text", .text, tokenizer: .stems)
        try points.createPayloadIndex("family", .keyword)
        let took = try ContinuousClock().measure {
            // The vectors are Float16, as they come from the file; the collection widens them.
            try points.upsert(
                data.packages.map { PointID($0.name) }, data.base,
                payloads: data.packages.map { try Payload(Package(family: family(of: $0.name), text: $0.text)) })
        }
        let seconds = String(format: "%.2f", took / .seconds(1))
        print("\(data.packages.count) packages with their texts are in a collection, and on the disk: \(seconds) s.\n")
        try search(points, data)
        try points.close()
        try Writer.kill(writingTo: path)
    }

    static func search(_ points: PointCollection, _ data: Dataset) throws {
        let question = "A tool for managing large Git repositories"
        guard let position = data.questions.firstIndex(of: question) else {
            throw DatasetError(message: "the question is not in the data directory")
        }
        let query = data.queries[position]
        try show("\"\(question)\", by meaning:", points.search(query, k: 3))
        try show("The same among packages for Vim:", points.search(query, k: 3, filter: Field("family") == "vim"))
        try show("By words:", points.searchText(question, k: 3))
        try show("By both:", points.searchHybrid(query, question, k: 3))
        let groups = try points.searchGroups(query, by: "family", groups: 3, groupSize: 2)
        try show("By families of packages, two of each at most:", groups.flatMap(\.hits))
        try show("Like vbindiff, which compares binary files:", points.recommend(["vbindiff"], k: 3))
        let families = try points.facet("family", limit: 5).map { "\($0.value) (\($0.count))" }
        print("The largest families: \(families.joined(separator: ", "))\n")
    }

    static func family(of name: String) -> String { name.split(separator: "-").first.map(String.init) ?? name }

    static func show(_ title: String, _ hits: [PointCollection.Hit]) throws {
        guard !hits.isEmpty else { throw DatasetError(message: "nothing was found. \(title)") }
        print(title)
        for hit in hits {
            let text = try hit.payload(as: Package.self)?.text ?? ""
            let name = hit.id.description.padding(toLength: 28, withPad: " ", startingAt: 0)
            print("    " + String(format: "%6.3f", hit.score) + "  \(name) \(text.prefix(64))")
        }
        print()
    }
}
