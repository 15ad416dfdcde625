// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

/// Writes points as the lines of a file, and vectors as files of NumPy beside it. All files are put in their places at the end.
struct Exporter {
    private let collection: PointCollection
    private let lines: OutputFile
    /// By place of the vector; nil: it stands in the lines.
    private let files: [OutputFile?]
    private(set) var count = 0

    init(_ path: String, _ collection: PointCollection, _ vectorFiles: [VectorFile]) throws(VecStoreError) {
        self.collection = collection
        var paths = [path], files = [OutputFile?](repeating: nil, count: collection.settings.count)
        lines = try OutputFile(path)
        for file in vectorFiles {
            let place = try collection.vector(file.name)
            guard files[place] == nil, !paths.contains(file.path) else {
                throw VecStoreError(
                    .invalidArgument, "'\(file.path)' or the vector '\(collection.settings[place].name)' comes twice")
            }
            paths.append(file.path)
            let output = try OutputFile(file.path)
            // The header takes a fixed place: how many rows there are is known in the end.
            try output.write([UInt8](repeating: 0, count: NPYFile.writtenHeaderBytes))
            files[place] = output
        }
        self.files = files
    }

    mutating func write(
        row: Int, _ id: PointID, missing: UInt64, expires: Int64?, payload: UnsafeBufferPointer<UInt8>, _ store: RowStore
    ) throws(VecStoreError) {
        var line = JSONWriter()
        line.beginObject()
        line.key("id")
        switch id {
        case .number(let number): line.integer(number)
        case .text(let text): line.string(text)
        }
        try writeVectors(row, missing, store, &line)
        if !payload.isEmpty {
            // Line ends can stand between values of JSON, but not within a line.
            if payload.contains(where: { $0 == 10 || $0 == 13 }) {
                line.key("payload_text")
                line.string(String(decoding: payload, as: UTF8.self))
            } else {
                line.key("payload")
                line.raw(payload)
            }
        }
        if let expires {
            line.key("expires")
            line.integer(expires)
        }
        line.endObject()
        try lines.write(line.bytes)
        try lines.write(CollectionOfOne(UInt8(ascii: "\n")))
        count += 1
    }

    private func writeVectors(_ row: Int, _ missing: UInt64, _ store: RowStore, _ line: inout JSONWriter) throws(VecStoreError) {
        let settings = collection.settings
        let isOnly = settings.count == 1
        if !isOnly && files.contains(where: { $0 == nil }) {
            line.key("vector")
            line.beginObject()
        }
        for (place, vector) in settings.enumerated() {
            let isMissing = missing & (1 << UInt64(place)) != 0
            if let file = files[place] {
                try writeRow(row, vector, isMissing: isMissing, store.files[place], file)
            } else if !isMissing {
                line.key(isOnly ? "vector" : vector.name)
                line.beginArray()
                for element in try collection.storedVector(UInt32(row), place, store) { line.float(element) }
                line.endArray()
            }
        }
        if !isOnly && files.contains(where: { $0 == nil }) { line.endObject() }
    }

    private func writeRow(
        _ row: Int, _ vector: VectorSettings, isMissing: Bool, _ source: RowFile, _ file: OutputFile
    ) throws(VecStoreError) {
        if isMissing {
            // No vector has an element that is no number.
            let nan: [UInt8] = vector.type == .float16 ? [0x00, 0x7e] : [0x00, 0x00, 0xc0, 0x7f]
            var bytes: [UInt8] = []
            for _ in 0..<vector.dimension { bytes += nan }
            return try file.write(bytes)
        }
        try file.write(UnsafeRawBufferPointer(start: source.row(row), count: vector.rowSize))
    }

    /// Puts the files in their places: those of the vectors first.
    func commit() throws(VecStoreError) {
        for (place, vector) in collection.settings.enumerated() {
            try files[place]?.commit(beginning: NPYFile.header(vector.type, rows: count, dimension: vector.dimension))
        }
        try lines.commit()
    }
}

extension PointCollection {
    /// Writes points to a file, those of one moment, in the order in which they were written: a line for each, and their vectors
    /// in the lines or in files beside it. The files appear whole or not at all.
    /// - Returns: How many there were.
    func writeFile(_ path: String, _ options: ExportOptions) throws(VecStoreError) -> Int {
        var exporter = try Exporter(path, self, options.vectorFiles)
        try eachRow(options.filter) { (select, row, state, total) throws(VecStoreError) in
            try exporter.write(
                row: row, PointID(select, 1), missing: UInt64(bitPattern: select.number(2)),
                expires: select.type(3) == .null ? nil : select.number(3), payload: select.bytes(4), state.store)
            if exporter.count % PointCollection.pointsBetweenTelling == 0 { try tell(options, exporter.count, total) }
        }
        try tell(options, exporter.count, max(exporter.count, 1))
        try exporter.commit()
        return exporter.count
    }

    private static let pointsBetweenTelling = 1000

    private func tell(_ options: ExportOptions, _ done: Int, _ total: Int) throws(VecStoreError) {
        if let progress = options.progress, !progress(done, max(done, total)) {
            throw VecStoreError(.cancelled, "the export was cancelled: no file was written")
        }
    }
}
