// SPDX-License-Identifier: Apache-2.0

/// What was found to reach a recall.
package struct RecallTrace {
    package var target: Float
    /// Measured for so many hits.
    package var k: Int
    package var entry: RecallTable.Entry
    /// Whether it had been measured before.
    package var isCached: Bool

    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.key("target")
        // As it was written: a Float has digits of its own as a Double.
        json.real(Double("\(target)") ?? Double(target))
        json.key("k")
        json.integer(k)
        json.key("ef_search")
        if let ef = entry.efSearch { json.integer(ef) } else { json.null() }
        json.key("measured")
        json.real(Double("\(entry.recall)") ?? Double(entry.recall))
        json.key("rows")
        json.integer(entry.rows)
        json.key("cached")
        json.bool(isCached)
        json.endObject()
    }
}
