// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

extension HealthReport {
    /// Of a cache.
    init(_ cache: SemanticCache) {
        do throws(VecStoreError) {
            try cache.checkUsable()
        } catch {
            self.init([Reason("unusable", .failed, error.message)])
            return
        }
        var reasons = cache.store.reasons
        if let failure = cache.table.lastWorkFailure {
            reasons.append(
                Reason(
                    "index_failing", .degraded, "entries are compared one by one, the work in the background failed: \(failure.message)"))
        }
        self.init(reasons)
    }
}
