// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

extension PointCollection {
    /// Brings all points into the graphs, takes out what was removed, and saves them. Searches and writes go on meanwhile.
    /// - Parameter progress: Is told now and then, on this thread, how many points of how many are done; false cancels, and what
    ///   was indexed stays so.
    /// - Throws: `.readOnly`, `.cancelled`, `.io`, `.outOfMemory`, `.invalidHandle`.
    public func optimize(progress: ((_ done: Int, _ total: Int) -> Bool)? = nil) throws(VecStoreError) {
        try rethrow { () throws(CoreError) in try core.optimize(progress: progress) }
    }

    /// Gives back the disk of points that were removed or replaced, whole or not at all: vectors and graphs are written into new
    /// files without gaps, and the database is made as small as what is in it. Searches go on meanwhile, and so do writes while
    /// vectors are copied; then they wait for the database. While it runs the disk has to hold one more copy of the vectors and
    /// graphs of the points that there are, and up to two of the database.
    /// - Parameter progress: Is told of bytes of vectors; false cancels until all are copied.
    /// - Throws: `.readOnly`, `.cancelled`, `.io`, `.corrupt`, `.outOfMemory`, `.invalidHandle`.
    /// - Complexity: O(bytes).
    @discardableResult
    public func compact(progress: ((_ done: Int, _ total: Int) -> Bool)? = nil) throws(VecStoreError) -> Compaction {
        let disk = try rethrow { () throws(CoreError) in try core.compact(progress: progress) }
        return Compaction(bytesBefore: disk.before, bytesAfter: disk.after)
    }

    /// Sees what others have written since this was opened for reading, or refreshed last. One that is open for writing sees
    /// everything at once.
    /// - Returns: Whether there was anything new.
    /// - Throws: `.io`, `.corrupt`, `.outOfMemory`, `.invalidHandle`.
    /// - Complexity: O(points) where there was, else O(1).
    @discardableResult
    public func refresh() throws(VecStoreError) -> Bool {
        try rethrow { () throws(CoreError) in try core.refresh() }
    }

    /// Checks the database, the checksum of the vectors and the payload of every point, counts, graphs and full text against each
    /// other: that graphs have the points that there are, and that the words of texts are those of the payloads. Writes wait
    /// meanwhile.
    /// - Throws: `.corrupt` with a message that says what is wrong; `.io`, `.outOfMemory`, `.invalidHandle`.
    /// - Complexity: O(bytes).
    public func verify() throws(VecStoreError) {
        try rethrow { () throws(CoreError) in try core.verify() }
    }

    /// Checks all that `verify` checks, and makes anew what is derived and damaged: indexes of the database, the words of texts,
    /// graphs, what is in memory. Searches go on meanwhile; writers wait for the checks. Points that are damaged stay as they are:
    /// they can be removed, written again, or taken from a snapshot.
    /// - Parameter progress: Is told of points that came into graphs; false leaves the rest of that to the background.
    /// - Returns: What was damaged; of points the first 1,000.
    /// - Throws: `.corrupt` where the database itself is beyond repair; `.readOnly`, `.cancelled`, `.io`, `.outOfMemory`,
    ///   `.invalidHandle`.
    @discardableResult
    public func repair(progress: ((_ done: Int, _ total: Int) -> Bool)? = nil) throws(VecStoreError) -> [Damage] {
        try rethrow { () throws(CoreError) in try core.repair(progress: progress) }.map { Damage($0) }
    }

    /// Writes a copy of the collection as it is at one moment, while searches and writes go on: a collection of its own, which
    /// appears whole or not at all, and is on the disk when the call returns.
    /// - Parameters:
    ///   - path: Of a directory that does not exist, or is empty.
    ///   - progress: Is told of bytes of vectors; false cancels.
    /// - Throws: `.invalidArgument`, `.alreadyExists`, `.notFound` (no such parent directory), `.cancelled`, `.io`,
    ///   `.outOfMemory`, `.invalidHandle`.
    /// - Complexity: O(bytes).
    public func snapshot(
        to path: String, progress: ((_ done: Int, _ total: Int) -> Bool)? = nil
    ) throws(VecStoreError) {
        try rethrow { () throws(CoreError) in try core.snapshot(checkedPath(path), progress: progress) }
    }

    /// Makes a collection from a snapshot, after checking all of it as `verify` does.
    /// - Parameter path: As of `snapshot`.
    /// - Throws: As opening, `verify` and `snapshot`.
    public static func restore(
        _ snapshot: String, to path: String, progress: ((_ done: Int, _ total: Int) -> Bool)? = nil
    ) throws(VecStoreError) {
        try rethrow { () throws(CoreError) in
            try VecCollection.PointCollection.restore(checkedPath(snapshot), to: checkedPath(path), progress: progress)
        }
    }
}
