// A directory for the files of one test.
// SPDX-License-Identifier: Apache-2.0

import Foundation

package final class TemporaryDirectory {
    private let url: URL

    package init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("vecstore-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { remove() }

    package func remove() { try? FileManager.default.removeItem(at: url) }

    /// The path of a file in it.
    package func path(_ name: String = "index") -> String { url.appendingPathComponent(name).path }

    /// The names of the files in it.
    package var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []).sorted() }

    package func bytes(_ name: String = "index") throws -> [UInt8] {
        // Data(contentsOf:) loses the memory that it reads an empty file into, which the sanitizers notice.
        guard let file = fopen(path(name), "rb") else { throw CocoaError(.fileReadNoSuchFile) }
        defer { fclose(file) }
        var bytes: [UInt8] = [], piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&piece, 1, piece.count, file)
            if count == 0 { break }
            bytes += piece[..<count]
        }
        guard ferror(file) == 0 else { throw CocoaError(.fileReadUnknown) }
        return bytes
    }

    package func write(_ bytes: [UInt8], _ name: String = "index") throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
    }
}
