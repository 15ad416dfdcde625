// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// How the nearest rows were found. Where a search looked several times, wider and wider, the last time counts.
package struct VectorTrace {
    package var name: String
    /// Rows that have this vector.
    package var rows: Int
    package var queries: Int
    /// Rows that were to be found for each query.
    package var wanted: Int
    /// The walk over the graph; nil: there was none.
    package var graph: GraphPart?
    /// Rows that were compared one by one; nil: none were.
    package var compared: ComparedPart?

    package struct GraphPart {
        package var rows: Int
        package var efSearch: Int
        package var report: GraphReport.Content
        /// Whether it was walked once more, because rows were found that are not there at the moment of the search.
        package var isRepeated: Bool
    }

    package struct ComparedPart {
        package var rows: Int
        package var reason: String
    }

    package enum Way: String {
        case graph, compare
        case graphAndCompare = "graph_and_compare"
    }

    package var way: Way { graph == nil ? .compare : compared == nil ? .graph : .graphAndCompare }

    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.key("name")
        json.string(name)
        json.key("rows")
        json.integer(rows)
        json.key("queries")
        json.integer(queries)
        json.key("wanted")
        json.integer(wanted)
        json.key("way")
        json.string(way.rawValue)
        json.key("graph")
        if let graph { write(graph, to: &json) } else { json.null() }
        json.key("compare")
        if let compared {
            json.beginObject()
            json.key("rows")
            json.integer(compared.rows)
            json.key("reason")
            json.string(compared.reason)
            json.endObject()
        } else {
            json.null()
        }
        json.endObject()
    }

    private func write(_ graph: GraphPart, to json: inout JSONWriter) {
        let report = graph.report
        json.beginObject()
        json.key("rows")
        json.integer(graph.rows)
        json.key("ef_search")
        json.integer(graph.efSearch)
        json.key("way")
        json.string(report.way.rawValue)
        json.key("reason")
        json.string(report.reason)
        json.key("width")
        json.integer(report.width)
        json.key("matching")
        if let matching = report.matching { json.integer(matching) } else { json.null() }
        json.key("visited")
        json.integer(report.visited)
        json.key("scanned")
        json.integer(report.scanned)
        json.key("ranked")
        json.integer(report.ranked)
        json.key("fallbacks")
        json.integer(report.fallbacks)
        json.key("widenings")
        json.integer(report.widenings)
        json.key("repeated")
        json.bool(graph.isRepeated)
        json.endObject()
    }
}
