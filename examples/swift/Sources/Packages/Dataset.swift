// Reads the files of examples/data: text lines, and .npy arrays of float16.
// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Package descriptions and questions; element i of the texts belongs to element i of the vectors.
package struct Dataset {
    package var packages: [(name: String, text: String)]
    package var base: [[Float16]]
    package var questions: [String]
    package var queries: [[Float16]]
    /// What is asked of a cache one after the other, some of it again in other words.
    package var asked: [Question]

    package struct Question: Sendable {
        package var text: String
        package var vector: [Float]
    }

    package init(directory: URL) throws {
        packages = try lines(of: directory.appendingPathComponent("packages.tsv")).map { line in
            let parts = line.split(separator: "\t", maxSplits: 1)
            guard parts.count == 2 else { throw DatasetError(message: "packages.tsv: a line without a tab: \(line)") }
            return (String(parts[0]), String(parts[1]))
        }
        base = try vectors(of: directory.appendingPathComponent("packages.f16.npy"))
        questions = try lines(of: directory.appendingPathComponent("queries.txt"))
        queries = try vectors(of: directory.appendingPathComponent("queries.f16.npy"))
        let texts = try lines(of: directory.appendingPathComponent("asked.txt"))
        let asked = try vectors(of: directory.appendingPathComponent("asked.f16.npy"))
        self.asked = zip(texts, asked).map { text, vector in Question(text: text, vector: vector.map { Float($0) }) }
        guard packages.count == base.count, questions.count == queries.count, texts.count == asked.count, !base.isEmpty else {
            throw DatasetError(message: "the files of \(directory.path) do not belong together")
        }
    }
}

package struct DatasetError: Error, CustomStringConvertible {
    package var message: String

    package init(message: String) { self.message = message }

    package var description: String { message }
}

private func contents(of file: URL) throws -> [UInt8] {
    guard let data = try? Data(contentsOf: file) else { throw DatasetError(message: "\(file.path): cannot be read") }
    return [UInt8](data)
}

private func lines(of file: URL) throws -> [String] {
    String(decoding: try contents(of: file), as: UTF8.self).split(separator: "\n").map(String.init)
}

/// The rows of a float16 array in .npy version 1.0: the 6 bytes "\x93NUMPY", the version as 2 bytes, the length of the
/// header as 2 bytes (low first), the header (a Python dictionary as text), the values.
private func vectors(of file: URL) throws -> [[Float16]] {
    let bytes = try contents(of: file)
    let problem = DatasetError(message: "\(file.path): not a two-dimensional float16 array in .npy version 1.0")
    guard bytes.starts(with: [0x93] + Array("NUMPY".utf8) + [1, 0]), bytes.count >= 10 else { throw problem }
    let start = 10 + Int(bytes[8]) + Int(bytes[9]) << 8
    guard start <= bytes.count else { throw problem }

    let header = String(decoding: bytes[10..<start], as: UTF8.self)
    guard header.contains("'<f2'"), header.contains("'fortran_order': False"),
        let shape = header.firstMatch(of: #/'shape': \((\d+), (\d+)\)/#),
        let rows = Int(shape.1), let dimension = Int(shape.2), dimension > 0, dimension <= 65_536,
        rows <= bytes.count, rows * dimension * 2 == bytes.count - start
    else { throw problem }

    return (0..<rows).map { row in
        (0..<dimension).map { column in
            let at = start + (row * dimension + column) * 2
            return Float16(bitPattern: UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8)
        }
    }
}
