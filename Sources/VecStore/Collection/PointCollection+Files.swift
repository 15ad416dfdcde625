// SPDX-License-Identifier: Apache-2.0

import VecCollection

extension PointCollection {
    /// How a file becomes points.
    public struct ImportOptions: Sendable {
        /// Points that are written at once, all or none: 1 to 1,048,576.
        public var batchSize = 1000
        /// Lines before are passed over, from 1.
        public var startLine = 1
        /// Whether lines that cannot be points are passed over and counted.
        public var skipsBad = false
        /// Files of NumPy with vectors that do not stand in the lines, by the names of the vectors; "" is the only one.
        public var vectorFiles: [String: String] = [:]
        /// Says that a line is a payload and nothing else: the first has this id, each one more.
        public var firstID: UInt64?

        public init() {}
    }

    /// What an import came to.
    public struct ImportResult: Sendable {
        /// Points that were written.
        public internal(set) var points = 0
        /// Lines that were passed over because they were wrong.
        public internal(set) var skipped = 0
        /// All lines before are done: the `startLine` of an import that goes on.
        public internal(set) var nextLine = 1

        public init() {}
    }

    /// Writes the points that a file has, JSON Lines, in batches: each is there whole or not at all.
    ///
    ///     {"id": 7, "vector": [0.5, 1], "payload": {"section": "net"}}
    ///
    /// - Parameters:
    ///   - path: Of a regular file in UTF-8.
    ///   - result: What came of it, where this throws too.
    ///   - progress: Is told of bytes of the file after each batch, on this thread; false cancels.
    /// - Throws: `.invalidArgument`, `.notFinite`, `.zeroVector`, `.tooLarge`: a line is wrong; the message has its number, and the
    ///   points of all lines before are in. `.readOnly`, `.cancelled`, `.notFound`, `.corrupt`, `.unsupported`, `.io`,
    ///   `.outOfMemory`, `.invalidHandle`.
    public func importFile(
        _ path: String, _ options: ImportOptions = ImportOptions(), result: inout ImportResult,
        progress: ((_ done: Int, _ total: Int) -> Bool)? = nil
    ) throws(VecStoreError) {
        var coreOptions = VecCollection.ImportOptions(), found = VecCollection.ImportResult()
        coreOptions.batchSize = options.batchSize
        coreOptions.startLine = options.startLine
        coreOptions.skipsBad = options.skipsBad
        coreOptions.firstID = options.firstID
        coreOptions.progress = progress
        defer {
            result.points = found.points
            result.skipped = found.skipped
            result.nextLine = found.nextLine
        }
        try rethrow { () throws(CoreError) in
            coreOptions.vectorFiles = try vectorFiles(options.vectorFiles)
            try core.importFile(checkedPath(path), coreOptions, &found)
        }
    }

    /// The same, for whoever does not go on after an error.
    @discardableResult
    public func importFile(
        _ path: String, _ options: ImportOptions = ImportOptions(), progress: ((_ done: Int, _ total: Int) -> Bool)? = nil
    ) throws(VecStoreError) -> ImportResult {
        var result = ImportResult()
        try importFile(path, options, result: &result, progress: progress)
        return result
    }

    /// Writes points to a file that `importFile` reads, those of one moment, in the order in which they were written. It appears
    /// whole or not at all.
    /// - Parameters:
    ///   - vectorFiles: Files of NumPy for vectors that are not to stand in the lines, by name; "" is the only one.
    ///   - filter: nil: all points.
    ///   - progress: Is told of points, on this thread; false cancels. It must not use the collection.
    /// - Returns: How many points there were.
    /// - Throws: `.invalidArgument`, `.notFound` (no such directory), `.cancelled`, `.io`, `.outOfMemory`, `.invalidHandle`.
    @discardableResult
    public func exportFile(
        _ path: String, vectorFiles: [String: String] = [:], filter: Condition? = nil,
        progress: ((_ done: Int, _ total: Int) -> Bool)? = nil
    ) throws(VecStoreError) -> Int {
        try rethrow { () throws(CoreError) in
            var options = VecCollection.ExportOptions()
            options.filter = filter?.filterBytes
            options.vectorFiles = try self.vectorFiles(vectorFiles)
            options.progress = progress
            return try core.exportFile(checkedPath(path), options)
        }
    }

    private func vectorFiles(_ files: [String: String]) throws(CoreError) -> [VectorFile] {
        var result: [VectorFile] = []
        for (name, path) in files.sorted(by: { $0.key < $1.key }) {
            result.append(VectorFile(name: name.isEmpty ? nil : name, path: try checkedPath(path)))
        }
        return result
    }
}
