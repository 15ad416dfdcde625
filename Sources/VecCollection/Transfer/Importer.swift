// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

/// Writes the lines of a file as points, in batches.
struct Importer {
    private let collection: PointCollection
    private let options: ImportOptions
    private let reader: LineReader
    /// By place of the vector; nil: it stands in the lines.
    private let files: [NPYFile?]
    private var batch: ImportBatch
    /// Lines that were not blank, which have rows in the files of vectors.
    private var rows = 0
    private var result = ImportResult()

    init(_ path: String, _ collection: PointCollection, _ options: ImportOptions) throws(VecStoreError) {
        guard options.batchSize >= 1 && options.batchSize <= CollectionLimits.batch else {
            throw VecStoreError(
                .invalidArgument, "batch_size is \(options.batchSize): allowed is 1 to \(CollectionLimits.batch)")
        }
        self.collection = collection
        self.options = options
        reader = try LineReader(path)
        var files = [NPYFile?](repeating: nil, count: collection.settings.count)
        for file in options.vectorFiles {
            let place = try collection.vector(file.name), settings = collection.settings[place]
            guard files[place] == nil else {
                throw VecStoreError(.invalidArgument, "two files have the vector '\(settings.name)'")
            }
            let opened = try NPYFile(file.path)
            guard opened.dimension == settings.dimension else {
                throw VecStoreError(
                    .invalidArgument, "'\(file.path)' has rows of \(opened.dimension) elements: the dim is \(settings.dimension)")
            }
            files[place] = opened
        }
        self.files = files
        batch = ImportBatch(collection, types: files.map { $0?.type ?? .float32 })
    }

    /// - Parameter result: What came of it, where this throws too.
    mutating func run(_ result: inout ImportResult) throws(VecStoreError) {
        self.result.nextLine = max(options.startLine, 1)
        defer { result = self.result }
        while let line = try reader.next() {
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
            rows += 1
            if reader.number < options.startLine { continue }
            do throws(VecStoreError) {
                try add(line)
            } catch {
                try refuse(reader.number, error)
            }
            if batch.count >= options.batchSize || batch.bytes >= ImportBatch.mostBytes { try flush(next: reader.number + 1) }
        }
        try flush(next: reader.number + 1)
        for file in files.compactMap({ $0 }) where file.rows != rows {
            throw VecStoreError(
                .invalidArgument, "'\(file.path)' has \(file.rows) rows, and '\(reader.path)' \(rows) lines: each line has a row")
        }
    }

    /// A line that cannot be a point: passed over, or the end.
    private mutating func refuse(_ line: Int, _ reason: VecStoreError) throws(VecStoreError) {
        guard reason.isAboutPoint else { throw reason }
        if options.skipsBad { return skip(line, reason) }
        // What came before is written, and found to be right or not.
        try flush(next: line)
        throw told(line, reason)
    }

    private mutating func skip(_ line: Int, _ reason: VecStoreError) {
        result.skipped += 1
        if result.skipped <= Importer.mostTold {
            collection.log.tell(.warning, "passed over \(told(line, reason).message)")
        } else if result.skipped == Importer.mostTold + 1 {
            collection.log.tell(.warning, "'\(reader.path)': more lines are passed over, which are not told")
        }
    }

    private static let mostTold = 20

    private func told(_ line: Int, _ reason: VecStoreError) -> VecStoreError {
        VecStoreError(reason.code, "line \(line) of '\(reader.path)': \(reason.message)")
    }

    // MARK: - Points

    private mutating func add(_ line: UnsafeBufferPointer<UInt8>) throws(VecStoreError) {
        var found = [[UInt8]?](repeating: nil, count: files.count)
        for (place, file) in files.enumerated() {
            if let file { found[place] = try row(file) }
        }
        if let firstID = options.firstID {
            let (id, overflows) = firstID.addingReportingOverflow(UInt64(rows - 1))
            guard !overflows else { throw VecStoreError(.tooLarge, "the id of this line is larger than ids can be") }
            batch.add(source: reader.number, .number(id), rows: found, payload: Array(line), expires: 0)
            return
        }
        let point = try PointLine(line)
        guard let id = point.id else { throw VecStoreError(.invalidArgument, "there is no id") }
        if let vector = point.vector {
            try PointLine.vectors(line, vector, collection.settings) { (place, elements) throws(VecStoreError) in
                guard files[place] == nil else {
                    throw VecStoreError(.invalidArgument, "there is a vector, which a file has already")
                }
                found[place] = elements.withUnsafeBytes { Array($0) }
            }
        }
        batch.add(source: reader.number, id, rows: found, payload: point.payload, expires: point.expires)
    }

    /// The row of this line; nil where all of it is NaN, which stands for none.
    private func row(_ file: NPYFile) throws(VecStoreError) -> [UInt8]? {
        guard rows <= file.rows else {
            throw VecStoreError(.corrupt, "'\(file.path)' has \(file.rows) rows: there is none for line \(reader.number)")
        }
        let row = try allocate(UInt8.self, file.rowSize, for: "a row of '\(file.path)'")
        try file.read(rows - 1, into: row.base)
        let bytes = UnsafeRawBufferPointer(start: row.base, count: file.rowSize)
        let isNone =
            switch file.type {
            case .float16: (0..<file.dimension).allSatisfy { bytes.loadUnaligned(fromByteOffset: 2 * $0, as: Float16.self).isNaN }
            default: (0..<file.dimension).allSatisfy { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self).isNaN }
            }
        return isNone ? nil : Array(bytes)
    }

    // MARK: - Batches

    /// Writes what was collected.
    /// - Parameter next: The line after it.
    private mutating func flush(next: Int) throws(VecStoreError) {
        defer { batch.clear() }
        if batch.count > 0 {
            let outcome = batch.write(skipsBad: options.skipsBad)
            result.points += outcome.written
            for (line, reason) in outcome.refused { skip(line, reason) }
            if let (line, reason, isAboutPoint) = outcome.end {
                result.nextLine = line
                throw isAboutPoint ? told(line, reason) : reason
            }
        }
        result.nextLine = max(next, result.nextLine)
        if let progress = options.progress, !progress(reader.position, reader.size) {
            throw VecStoreError(
                .cancelled, "the import was cancelled: \(result.points) points are in, and line \(result.nextLine) is the next")
        }
    }
}

extension PointCollection {
    /// Writes the points that a file has: a line for each, and their vectors in the lines or in files beside it.
    /// - Parameter result: What came of it, where this throws too.
    func readFile(_ path: String, _ options: ImportOptions, _ result: inout ImportResult) throws(VecStoreError) {
        try checkUsable()
        guard writer != nil else { throw VecStoreError(.readOnly, "'\(directory)' is open for reading alone") }
        var importer = try Importer(path, self, options)
        try importer.run(&result)
    }
}
