// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// What is kept by the number of a row, apart from the database: vectors and ids. Each state has one and shares it with those before
/// and after, until the collection is compacted: from then on rows have other numbers, and lie in other files.
final class RowStore: Sendable {
    /// Vectors, in the order of the settings.
    let files: [RowFile]
    let points: PointTable

    init(_ files: [RowFile], _ points: PointTable) {
        self.files = files
        self.points = points
    }

    /// Opens the files that the database names, which have at least so many rows.
    init(
        _ directory: String, _ vectors: [(settings: VectorSettings, file: String)], _ uuid: CollectionUUID, rows: Int,
        isWritable: Bool, memory: MemoryMode
    ) throws(VecStoreError) {
        var files: [RowFile] = []
        for (settings, file) in vectors {
            files.append(try RowFile("\(directory)/\(file)", settings, collection: uuid, rows: rows, isWritable: isWritable))
        }
        self.files = files
        points = try PointTable()
        advise(memory, rows: rows)
    }

    /// Says how the files will be used.
    func advise(_ memory: MemoryMode, rows: Int) {
        for file in files {
            switch memory {
            case .mapped: break
            case .loaded: file.load(rows)
            case .disk: file.useAtRandom()
            }
        }
    }
}
