// SPDX-License-Identifier: Apache-2.0

/// How texts were found.
package struct TextTrace {
    /// The fields that were searched.
    package var fields: [(path: String, weight: Float, words: Int)] = []
    /// Texts that match, those that a filter leaves out among them.
    package var matching = 0

    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.key("matching")
        json.integer(matching)
        json.key("fields")
        json.beginArray()
        for (path, weight, words) in fields {
            json.beginObject()
            json.key("path")
            json.string(path)
            json.key("weight")
            json.real(Double(weight))
            json.key("words")
            json.integer(words)
            json.endObject()
        }
        json.endArray()
        json.endObject()
    }
}

/// How two lists became one.
package struct FusionTrace {
    package var fusion: Fusion
    package var vectorHits: Int
    package var textHits: Int

    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.key("kind")
        json.string(fusion.rawValue)
        json.key("vector_hits")
        json.integer(vectorHits)
        json.key("text_hits")
        json.integer(textHits)
        json.endObject()
    }
}
