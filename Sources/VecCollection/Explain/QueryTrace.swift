// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// What one query did, and why, noted where it was done. For one thread.
package final class QueryTrace {
    /// Parts of a query whose time is told, in the order in which they come.
    enum Stage: String, CaseIterable {
        /// Reading indexes of fields into memory: once after opening.
        case indexes
        /// Measuring which ef_search reaches a recall.
        case calibration
        case filter
        /// The walk over a graph.
        case graph
        /// Comparing rows one by one.
        case compare
        case text
        case fusion
        case diversity
        /// Ids, payloads and vectors of hits.
        case payloads
    }

    private let beginning = QueryTrace.nanoseconds()
    private var times: [Stage: UInt64] = [:]

    /// Points that there were.
    package var pointCount = 0
    package var filter: FilterTrace?
    /// What target_recall came to.
    package var recall: RecallTrace?
    package var vector: VectorTrace?
    package var text: TextTrace?
    package var fusion: FusionTrace?
    /// Hits that diversity chose from.
    package var diversityCandidates: Int?
    /// How many of the nearest points a search for groups looked at, each time it looked.
    package var groupRounds: [Int] = []
    package var hitCount = 0

    package init() {}

    fileprivate static func nanoseconds() -> UInt64 { UInt64(bitPattern: ticks()) }

    fileprivate func add(_ stage: Stage, since start: UInt64) { times[stage, default: 0] += QueryTrace.nanoseconds() - start }

    /// How long the parts took, and "total", until somebody asks for the first time.
    package private(set) lazy var milliseconds: [(part: String, time: Double)] = {
        let parts = Stage.allCases.compactMap { stage in times[stage].map { (stage.rawValue, $0) } }
        return (parts + [("total", QueryTrace.nanoseconds() - beginning)]).map { ($0, Double($1 / 100) / 10_000) }
    }()

    /// All of it as JSON. The header lists the keys.
    package var json: [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("points")
        json.integer(pointCount)
        json.key("hits")
        json.integer(hitCount)
        json.key("filter")
        if let filter { filter.write(to: &json) } else { json.null() }
        json.key("target_recall")
        if let recall { recall.write(to: &json) } else { json.null() }
        json.key("vector")
        if let vector { vector.write(to: &json) } else { json.null() }
        json.key("text")
        if let text { text.write(to: &json) } else { json.null() }
        json.key("fusion")
        if let fusion { fusion.write(to: &json) } else { json.null() }
        json.key("diversity")
        if let diversityCandidates {
            json.beginObject()
            json.key("candidates")
            json.integer(diversityCandidates)
            json.endObject()
        } else {
            json.null()
        }
        json.key("groups")
        if groupRounds.isEmpty {
            json.null()
        } else {
            json.beginObject()
            json.key("looked_at")
            json.beginArray()
            for count in groupRounds { json.integer(count) }
            json.endArray()
            json.endObject()
        }
        json.key("milliseconds")
        json.beginObject()
        for (part, time) in milliseconds {
            json.key(part)
            json.real(time)
        }
        json.endObject()
        json.endObject()
        return json.bytes
    }
}

extension QueryTrace? {
    /// Calls `body`, and takes its time where somebody wants to know.
    func timed<R>(_ stage: QueryTrace.Stage, _ body: () throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        guard let self else { return try body() }
        let start = QueryTrace.nanoseconds()
        defer { self.add(stage, since: start) }
        return try body()
    }
}
