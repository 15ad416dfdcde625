// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// What brings the graph of one vector up to date: rows go into it in portions, and those that died go out of it. One thread at
/// a time; searches and writers go on beside it.
struct GraphWork {
    private let collection: PointCollection
    private let place: Int
    private let settings: VectorSettings

    /// Rows that there must be before a graph is faster than comparing all of them.
    static let leastRowsForAuto = 10_000
    /// Fewer rows make no graph worth its memory.
    static let leastRowsForGraph = 2_000
    /// Rows that wait before a portion is worth its overhead: comparing them takes a search no longer than its walk.
    private static let leastPortion = 1024
    private static let mostPortion = 8192

    /// While searches go on one processor is left to them, and what is done is shown soon.
    private var portion: (rows: Int, threads: Int) {
        let threads = collection.options.indexThreads
        guard collection.isSearched else { return (GraphWork.mostPortion, threads) }
        return (GraphWork.leastPortion, max(1, min(threads, ThreadPool.defaultThreads - 1)))
    }

    init(_ collection: PointCollection, _ place: Int) {
        self.collection = collection
        self.place = place
        settings = collection.settings[place]
    }

    private var state: VectorState { collection.current.vectors[place] }

    /// Does one portion of work.
    /// - Parameter isEager: Whether the least there is to do is done too.
    /// - Returns: The rows that were looked at; 0 where there was nothing to do.
    func step(isEager: Bool) throws(VecStoreError) -> Int {
        let state = collection.current
        let vector = state.vectors[place]
        guard isGraphWanted(vector) else { return 0 }
        let waiting = state.rowCount - vector.indexedRows
        if waiting >= (isEager ? 1 : leastWaiting(vector)) {
            try makeRoom(vector, rows: min(waiting, GraphWork.mostPortion))
            let graph = try writableGraph()
            return try addRows(graph, upTo: state.rowCount)
        }
        if vector.hiddenInGraph >= (isEager ? 1 : max(256, (vector.graph?.count ?? 0) / 50)) {
            try makeRoom(vector, rows: 0)
            return try removeHidden(try writableGraph(), isEager: isEager)
        }
        return 0
    }

    /// Rows that wait before they are brought into the graph. To load it and to write it again is worth it only for many.
    private func leastWaiting(_ vector: VectorState) -> Int {
        guard collection.options.memory == .disk, let graph = vector.graph, graph.isReadOnly else { return GraphWork.leastPortion }
        return max(GraphWork.leastPortion, graph.count / 8)
    }

    /// Bytes that a row takes in a graph in memory, its codes apart: links and what goes with them, and room for more.
    private static let bytesPerRow = 256

    /// Makes sure that the graph may be in memory, with some more rows.
    private func makeRoom(_ vector: VectorState, rows: Int) throws(VecStoreError) {
        var bytes = rows * (settings.dimension + GraphWork.bytesPerRow)
        if let graph = vector.graph, graph.isReadOnly { bytes += graph.stats().mappedBytes }
        try collection.makeRoom(bytes, for: "the graph of the vector '\(settings.name)'; points are found by comparing them")
    }

    private func isGraphWanted(_ vector: VectorState) -> Bool {
        if vector.graph != nil { return true }
        return switch settings.kind {
        case .flat: false
        case .auto: vector.count >= GraphWork.leastRowsForAuto
        case .hnsw: vector.count >= GraphWork.leastRowsForGraph
        }
    }

    /// The graph, ready to be changed: a new one, or a copy in memory of the one that is mapped.
    private func writableGraph() throws(VecStoreError) -> any VectorIndex {
        let vector = state
        if let graph = vector.graph, !graph.isReadOnly { return graph }
        let rows = collection.current.store.files[place].external
        var graph: (any VectorIndex)?
        if vector.graph != nil, let writer = collection.writer {
            let saved = try collection.writeLock.withLock { () throws(VecStoreError) in try GraphFile.find(writer, place) }
            if let saved, saved.rows == vector.indexedRows {
                graph = try? openIndex("\(collection.directory)/\(saved.file)", OpenOptions(load: true, externalRows: rows))
            }
        }
        let isNew = graph == nil
        let usable: any VectorIndex
        if let graph { usable = graph } else { usable = try HNSWIndex(settings.graphOptions(externalRows: rows)) }
        collection.publish { old in
            old.changing(place) { vector in
                vector.graph = usable
                vector.graphFailure = nil
                if isNew {
                    vector.indexedRows = 0
                    vector.hiddenInGraph = 0
                }
            }
        }
        return usable
    }

    /// Adds a portion of the rows that the graph does not have.
    private func addRows(_ graph: any VectorIndex, upTo rowCount: Int) throws(VecStoreError) -> Int {
        let (portion, threads) = self.portion
        let from = state.indexedRows, end = min(rowCount, from + portion)
        let hidden = state.hidden
        let file = collection.current.store.files[place]
        let rows = (from..<end).filter { !(hidden?.contains(UInt32($0)) ?? false) }
        if !rows.isEmpty {
            let ids = rows.map { UInt64($0) }
            if rows.count == end - from {
                try graph.add(
                    file.row(from), type: settings.type, count: rows.count, ids: ids, outIDs: nil, threads: threads, progress: nil)
            } else {
                let gathered = try allocate(UInt8.self, rows.count * file.stride, for: "\(rows.count) rows for a graph")
                for (i, row) in rows.enumerated() {
                    (gathered.base + i * file.stride).copyMemory(from: file.row(row), byteCount: file.stride)
                }
                try graph.add(
                    gathered.base, type: settings.type, count: rows.count, ids: ids, outIDs: nil, threads: threads,
                    progress: nil)
            }
        }
        publish(graph, indexedRows: end)
        return end - from
    }

    /// Takes out rows that are dead by now.
    private func removeHidden(_ graph: any VectorIndex, isEager: Bool) throws(VecStoreError) -> Int {
        let now = collection.current
        let vector = now.vectors[place]
        // Searches that began while these rows were alive are to find them.
        var patience = isEager ? 1000 : 20
        while collection.isHeld(before: now) {
            if patience == 0 && !isEager { return 0 }
            if patience == 0 { break }
            usleep(1000)
            patience -= 1
        }
        guard let hidden = vector.hidden else { return 0 }
        var dead: [UInt64] = []
        hidden.forEach { row in
            if row >= vector.indexedRows { return false }
            dead.append(UInt64(row))
            return true
        }
        var found = [UInt8](repeating: 0, count: dead.count)
        graph.contains(dead, dead.count, &found)
        let present = zip(dead, found).filter { $0.1 == 1 }.map(\.0)
        _ = try graph.remove(present, present.count)
        publish(graph, indexedRows: vector.indexedRows)
        return max(present.count, 1)
    }

    /// Shows what the graph has. How many of its rows are hidden is counted anew: writers have gone on meanwhile.
    private func publish(_ graph: any VectorIndex, indexedRows: Int) {
        collection.publish { old in
            old.changing(place) { vector in
                vector.indexedRows = indexedRows
                let alive = indexedRows - (vector.hidden?.count(below: indexedRows) ?? 0)
                vector.hiddenInGraph = max(graph.count - alive, 0)
            }
        }
    }
}

extension CollectionState {
    /// The same with another state of one vector.
    func changing(_ place: Int, _ change: (inout VectorState) -> Void) -> CollectionState {
        var vectors = vectors
        change(&vectors[place])
        return CollectionState(
            version: version, changes: changes, store: store, rowCount: rowCount, count: count, hasTextIDs: hasTextIDs,
            dead: dead, vectors: vectors, fields: fields)
    }
}
