// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

extension HealthReport {
    /// Of a collection. Some looks at files, and no scan.
    package init(_ collection: PointCollection) {
        if let reason = collection.unusableReason {
            self.init([reason])
            return
        }
        var reasons: [Reason] = []
        collection.checkPlace(&reasons)
        collection.checkDisk(&reasons)
        collection.checkWork(&reasons)
        collection.checkLog(&reasons)
        self.init(reasons)
    }

    // MARK: - Limits

    static let littleDisk: UInt64 = 256 << 20
    static let noDisk: UInt64 = 8 << 20
    /// Four times what SQLite leaves of its log when it begins anew.
    static let longLog = 256 << 20
    /// A state that nobody calls old yet.
    static let oldAge: Int64 = 60_000_000_000
    /// Rows are not given again before the collection is compacted.
    static let manyRows = Limits.graphRows / 10 * 9

    /// What the room on a disk means for a writer.
    static func diskReason(freeBytes: UInt64, freeFiles: UInt64?, _ directory: String) -> Reason? {
        if freeBytes < littleDisk {
            let isFull = freeBytes < noDisk
            return Reason(
                isFull ? "disk_full" : "disk_nearly_full", isFull ? .failed : .degraded,
                "the disk of '\(directory)' has \(freeBytes >> 20) MiB left, where writes need room for rows, a log and graphs")
        }
        if let freeFiles, freeFiles < 16 {
            return Reason("disk_nearly_full", .degraded, "the file system of '\(directory)' has room for \(freeFiles) files")
        }
        return nil
    }

    /// What the length of the log means.
    /// - Parameter age: Of the state that a reader shows, in nanoseconds; nil for a writer.
    static func logReason(bytes: Int, age: Int64?, _ directory: String) -> Reason? {
        guard bytes >= longLog else { return nil }
        let log = "the log of '\(directory)' has \(bytes >> 20) MiB"
        guard let age else {
            return Reason("log_long", .degraded, "\(log): somebody reads an old state, or writes faster than the log is put away")
        }
        guard age >= oldAge else { return nil }
        return Reason(
            "reader_old", .degraded, "\(log), and this handle shows a state of \(age / 1_000_000_000) seconds ago: refresh lets go of it")
    }
}

extension PointCollection {
    fileprivate typealias Reasons = [HealthReport.Reason]

    fileprivate var unusableReason: HealthReport.Reason? {
        do throws(VecStoreError) {
            try checkUsable()
            return nil
        } catch {
            return HealthReport.Reason(isClosedByOwner ? "closed" : "forked", .failed, error.message)
        }
    }

    /// Whether the directory is the one that was opened, and the lock is still of use.
    fileprivate func checkPlace(_ reasons: inout Reasons) {
        guard FileHandle.exists("\(directory)/\(Catalog.fileName)") else {
            reasons.append(
                HealthReport.Reason("directory_gone", .failed, "'\(directory)' has no \(Catalog.fileName) any more: it was moved or removed"))
            return
        }
        if let directoryLock, !directoryLock.isInPlace {
            reasons.append(
                HealthReport.Reason(
                    "lock_lost", .failed, "the file '\(directory)/\(DirectoryLock.fileName)' is not the one that is locked: another process may write"))
        }
    }

    fileprivate func checkDisk(_ reasons: inout Reasons) {
        var status = statvfs()
        guard !isReadOnly, statvfs(directory, &status) == 0 else { return }
        let free = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        // Some file systems do not count files.
        let files = status.f_files == 0 ? nil : UInt64(status.f_favail)
        if let reason = HealthReport.diskReason(
            freeBytes: free.overflow ? .max : free.partialValue, freeFiles: files, directory)
        {
            reasons.append(reason)
        }
    }

    fileprivate func checkWork(_ reasons: inout Reasons) {
        if let failure = indexer?.lastFailure {
            reasons.append(
                HealthReport.Reason("index_failing", .degraded, "the last work in the background failed: \(failure.message)"))
        }
        let state = current
        for (settings, vector) in zip(settings, state.vectors) {
            if let failure = vector.graphFailure {
                reasons.append(
                    HealthReport.Reason(
                        "graph_damaged", .degraded,
                        "the graph of the vector '\(settings.name)' cannot be used, and all points are compared: \(failure)"))
            }
        }
        if state.rowCount >= HealthReport.manyRows {
            reasons.append(
                HealthReport.Reason(
                    "rows_nearly_used", .degraded, "\(state.rowCount) of \(Limits.graphRows) rows were handed out: compact the collection"))
        }
    }

    fileprivate func checkLog(_ reasons: inout Reasons) {
        let age = isReadOnly ? ticks() - shownSince.load(ordering: .relaxed) : nil
        if let reason = HealthReport.logReason(bytes: walBytes, age: age, directory) { reasons.append(reason) }
    }
}
