// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import VecCollection

extension PointCollection {
    /// What a collection costs at a moment.
    public struct Description: Sendable, Hashable {
        /// Points.
        public let count: Int
        /// Places used in the files of vectors, with those of points that are gone.
        public let rows: Int
        /// Places that graphs do not have yet: they are found by comparing them.
        public let waiting: Int
        /// Bytes that the files of the directory take.
        public let diskBytes: Int
        /// Memory that the collection has asked for, in bytes, without maps of files and what SQLite keeps.
        public let memoryBytes: Int
        /// The same by what it is for, in the parts that `metrics` has: "ids", "graphs", "payload_indexes" and so on.
        public let memory: [String: Int]
        /// As it was opened.
        public let memoryMode: Memory
        /// As it was opened; nil: no limit.
        public let memoryBudget: Int?
        /// Of the maps of files.
        public let residentBytes: ResidentBytes
        /// One for each of `PointCollection.vectors`, in their order.
        public let vectors: [VectorDescription]
        /// Why the last work in the background failed; "": it did not.
        public let indexError: String
        /// All of it, and what else there is, as JSON.
        public let json: String
    }

    /// How much of the maps of files lies in the memory of this process. The system may have more of them in its cache.
    public struct ResidentBytes: Sendable, Hashable {
        public let vectors: Int
        public let graphs: Int
    }

    /// What one of the vectors of a collection costs.
    public struct VectorDescription: Sendable, Hashable {
        public let name: String
        /// Points that have it.
        public let count: Int
        /// Rows that the graph has.
        public let indexed: Int
        /// Bytes of the graph, in memory and mapped.
        public let graphBytes: Int
        /// Why the graph that was saved could not be opened and is made anew; "": it could.
        public let graphError: String
    }

    /// What the collection costs now.
    /// - Throws: `.io`, `.invalidHandle`.
    public func describe() throws(VecStoreError) -> Description {
        let json = try rethrow { () throws(CoreError) in try core.describe() }
        do {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            let stored = try decoder.decode(StoredDescription.self, from: Data(json.utf8))
            return Description(stored, memoryMode: Memory(core.options.memory), json)
        } catch {
            throw VecStoreError(CoreError(.internalError, "the description is not as it should be: \(error)"))
        }
    }
}

/// As the core writes it.
private struct StoredDescription: Decodable {
    struct Vector: Decodable {
        var name: String, count: Int, indexed: Int, graphBytes: Int, graphError: String
    }

    struct ResidentBytes: Decodable {
        var vectors: Int, graphs: Int
    }

    var count: Int, rows: Int, waiting: Int, diskBytes: Int, vectors: [Vector], indexError: String
    var memoryBytes: Int, memory: [String: Int], memoryBudget: Int, residentBytes: ResidentBytes
}

extension PointCollection.Description {
    fileprivate init(_ stored: StoredDescription, memoryMode: PointCollection.Memory, _ json: String) {
        count = stored.count
        rows = stored.rows
        waiting = stored.waiting
        diskBytes = stored.diskBytes
        memoryBytes = stored.memoryBytes
        memory = stored.memory
        self.memoryMode = memoryMode
        memoryBudget = stored.memoryBudget == 0 ? nil : stored.memoryBudget
        residentBytes = PointCollection.ResidentBytes(
            vectors: stored.residentBytes.vectors, graphs: stored.residentBytes.graphs)
        vectors = stored.vectors.map {
            PointCollection.VectorDescription(
                name: $0.name, count: $0.count, indexed: $0.indexed, graphBytes: $0.graphBytes, graphError: $0.graphError)
        }
        indexError = stored.indexError
        self.json = json
    }
}
