// SPDX-License-Identifier: Apache-2.0

/// How the rows that match a filter were found.
package struct FilterTrace {
    /// What answered one condition.
    package struct Step {
        /// Where in the filter it stands, such as `must[0]`.
        package var place: String
        /// The path of the field; nil where it is about something else.
        package var key: String?
        package var answer: Answer
        /// The type of the index that answered.
        package var index: FieldIndexType?
        /// Rows where it holds; nil where payloads are looked at, which are those that all such conditions let through.
        package var rows: Int?
        /// Payloads that were read for it, of points with values that the index does not hold.
        package var payloadsRead = 0
        /// Why it was not an index.
        package var reason: String?
    }

    package enum Answer: String {
        case index, ids, vectors
        case fullText = "full_text"
        case payloads
    }

    /// Whether the same filter had been answered before, and no point has changed since.
    package var isCached = false
    package var matching = 0
    package var steps: [Step] = []
    /// Payloads that were read for the conditions that nothing else answered.
    var payloadsRead = 0

    /// Payloads that were read, for whatever.
    package var allPayloadsRead: Int { steps.reduce(payloadsRead) { $0 + $1.payloadsRead } }

    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.key("cached")
        json.bool(isCached)
        json.key("matching")
        json.integer(matching)
        json.key("payloads_read")
        json.integer(allPayloadsRead)
        json.key("conditions")
        json.beginArray()
        for step in steps {
            json.beginObject()
            json.key("at")
            json.string(step.place)
            if let key = step.key {
                json.key("key")
                json.string(key)
            }
            json.key("answered_by")
            json.string(step.answer.rawValue)
            if let index = step.index {
                json.key("index")
                json.string(index.rawValue)
            }
            if let rows = step.rows {
                json.key("rows")
                json.integer(rows)
            }
            if step.payloadsRead > 0 {
                json.key("payloads_read")
                json.integer(step.payloadsRead)
            }
            if let reason = step.reason {
                json.key("reason")
                json.string(reason)
            }
            json.endObject()
        }
        json.endArray()
        json.endObject()
    }
}
