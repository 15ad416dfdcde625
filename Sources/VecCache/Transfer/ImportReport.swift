// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// What an import has come to so far, and what is told of it.
struct ImportReport {
    private(set) var result = RedisImportResult()
    private let options: RedisImportOptions
    /// Keys that there are, whatever the pattern.
    private let total: Int

    /// Messages about single keys that are told at most.
    private static let mostTold = 20

    init(_ options: RedisImportOptions, total: Int) {
        self.options = options
        self.total = total
    }

    mutating func noteWritten(_ count: Int) { result.points += count }

    /// What is said of a key that cannot be a point.
    static func told(_ key: [UInt8], _ reason: VecStoreError) -> VecStoreError {
        VecStoreError(reason.code, "the key \(shown(key)): \(reason.message)")
    }

    mutating func skip(_ key: [UInt8], _ reason: VecStoreError) {
        let text = ImportReport.told(key, reason).message
        result.skipped += 1
        if result.firstReason == nil { result.firstReason = text }
        if result.skipped <= ImportReport.mostTold {
            Log.shared.tell(.warning, "passed over \(text)")
        } else if result.skipped == ImportReport.mostTold + 1 {
            Log.shared.tell(.warning, "more keys are passed over, which are not told")
        }
    }

    func tellProgress() throws(VecStoreError) {
        let done = result.points + result.skipped
        if let progress = options.progress, !progress(done, max(done, total)) {
            throw VecStoreError(.cancelled, "the import was cancelled: \(result.points) points are in")
        }
    }
}
