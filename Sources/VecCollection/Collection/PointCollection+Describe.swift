// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

extension PointCollection {
    /// What it is and costs, as JSON. The header lists the keys.
    package func describe() throws(VecStoreError) -> String {
        try reading { state throws(VecStoreError) in
            var json = JSONWriter()
            json.beginObject()
            json.key("count")
            json.integer(state.count)
            json.key("uuid")
            json.string(uuid.text)
            json.key("revision")
            json.integer(state.revision)
            json.key("rows")
            json.integer(state.rowCount)
            json.key("waiting")
            json.integer(waitingRows(state))
            json.key("read_only")
            json.bool(isReadOnly)
            json.key("durability")
            json.string(options.durability.rawValue)
            json.key("disk_bytes")
            json.integer(try diskBytes())
            json.key("memory_bytes")
            let memory = memoryUse(state), resident = residentBytes(state)
            json.integer(memory.total)
            json.key("memory")
            describe(memory, &json)
            json.key("memory_mode")
            json.string(options.memory.rawValue)
            json.key("memory_budget")
            json.integer(options.memoryBudget ?? 0)
            json.key("resident_bytes")
            json.beginObject()
            json.key("vectors")
            json.integer(resident.vectors)
            json.key("graphs")
            json.integer(resident.graphs)
            json.endObject()
            json.key("vectors")
            json.beginArray()
            for (place, vector) in state.vectors.enumerated() { describe(settings[place], vector, &json) }
            json.endArray()
            json.key("payload_indexes")
            json.beginArray()
            for (path, type, tokenizer) in try payloadIndexes() {
                json.beginObject()
                json.key("path")
                json.string(path)
                json.key("type")
                json.string(type.rawValue)
                if type == .text {
                    json.key("tokenizer")
                    json.string(tokenizer.rawValue)
                }
                json.endObject()
            }
            json.endArray()
            json.key("index_error")
            json.string(indexer?.lastFailure?.message ?? "")
            json.endObject()
            return json.text
        }
    }

    private func describe(_ settings: VectorSettings, _ vector: VectorState, _ json: inout JSONWriter) {
        json.beginObject()
        json.key("name")
        json.string(settings.name)
        json.key("dim")
        json.integer(settings.dimension)
        json.key("metric")
        json.string(settings.metric.name)
        json.key("dtype")
        json.string(settings.type.name)
        json.key("kind")
        json.string(settings.kind.rawValue)
        json.key("m")
        json.integer(settings.m)
        json.key("ef_construction")
        json.integer(settings.efConstruction)
        json.key("storage")
        json.string(settings.storage.name)
        json.key("model")
        json.string(settings.model)
        json.key("model_version")
        json.string(settings.modelVersion)
        json.key("count")
        json.integer(vector.count)
        json.key("indexed")
        json.integer(vector.graph?.count ?? 0)
        json.key("graph_bytes")
        json.integer(vector.graph.map { $0.stats().memoryBytes + $0.stats().mappedBytes } ?? 0)
        json.key("graph_error")
        json.string(vector.graphFailure ?? "")
        json.endObject()
    }

    /// Rows that wait to come into graphs: they are found by comparing them. Of vectors that have no graph none waits.
    func waitingRows(_ state: CollectionState) -> Int {
        state.vectors.reduce(0) { $0 + ($1.graph == nil ? 0 : state.rowCount - $1.indexedRows) }
    }

    /// Bytes that all files of the directory take.
    func diskBytes() throws(VecStoreError) -> Int { try diskParts().values.reduce(0, +) }

    /// Bytes that the files of the directory take on the disk: holes take none.
    func diskParts() throws(VecStoreError) -> [DiskPart: Int] {
        var parts: [DiskPart: Int] = [:]
        for name in try fileNames(directory) {
            var status = stat()
            if stat("\(directory)/\(name)", &status) == 0 { parts[DiskPart(file: name), default: 0] += Int(status.st_blocks) * 512 }
        }
        return parts
    }

    /// Memory that the collection has asked for, without what SQLite keeps of its pages and without maps of files.
    func memoryParts(_ state: CollectionState) -> [(name: String, bytes: Int)] { memoryUse(state).parts }

    private func describe(_ memory: MemoryUse, _ json: inout JSONWriter) {
        json.beginObject()
        for (name, bytes) in memory.parts {
            json.key(name)
            json.integer(bytes)
        }
        json.endObject()
    }
}
