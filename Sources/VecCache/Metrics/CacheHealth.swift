// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// Whether a cache can do its work, and what stands in its way.
package struct CacheHealth: Sendable {
    package private(set) var reasons: [CollectionHealth.Reason] = []

    package var status: CollectionHealth.Status { reasons.map(\.status).max() ?? .ok }

    init(_ cache: SemanticCache) {
        do throws(VecStoreError) {
            try cache.checkUsable()
        } catch {
            reasons.append(CollectionHealth.Reason("unusable", .failed, error.message))
            return
        }
        reasons = cache.store.reasons
        if let failure = cache.table.lastWorkFailure {
            reasons.append(
                CollectionHealth.Reason(
                    "index_failing", .degraded, "entries are compared one by one, the work in the background failed: \(failure.message)"))
        }
    }

    /// As JSON: `status`, and `reasons` with `code`, `status` and `message` each.
    package var text: String {
        var json = JSONWriter()
        json.beginObject()
        json.key("status")
        json.string(status.rawValue)
        json.key("reasons")
        json.beginArray()
        for reason in reasons {
            json.beginObject()
            json.key("code")
            json.string(reason.code)
            json.key("status")
            json.string(reason.status.rawValue)
            json.key("message")
            json.string(reason.message)
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return json.text
    }
}
