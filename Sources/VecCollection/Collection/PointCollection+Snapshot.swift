// SPDX-License-Identifier: Apache-2.0

import VecIndex

extension PointCollection {
    /// Writes a copy of the collection as it is at one moment: a collection of its own. Searches and writes go on meanwhile.
    /// - Parameter path: Of a directory that is not there, or is empty. It appears whole or not at all.
    func writeSnapshot(_ path: String, progress: Progress?) throws(VecStoreError) {
        try NewDirectory.make(NewDirectory.trimmed(path), sync: true) { target throws(VecStoreError) in
            try SnapshotWriter(self, into: target).write(progress: progress)
        }
        log.tell(.info, "'\(directory)': wrote a snapshot to '\(path)'")
    }

    /// Makes a collection from a snapshot, after checking all of it.
    /// - Parameter path: Of a directory that is not there, or is empty. It appears whole or not at all.
    package static func restore(
        _ snapshot: String, to path: String, progress: Progress? = nil
    ) throws(VecStoreError) {
        let source = try open(snapshot, CollectionOptions(isReadOnly: true))
        try source.verify()
        try source.snapshot(path, progress: progress)
        try source.close()
    }
}
