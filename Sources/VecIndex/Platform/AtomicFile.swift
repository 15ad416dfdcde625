// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// A file that appears under its name whole or not at all: written under another name beside it, then renamed.
package final class AtomicFile {
    private let path: String
    private let temporaryPath: String
    package let file: FileHandle
    private var isDone = false

    private static let counter = Atomic<Int>(0)
    private static let prefix = ".vecstore-"
    private static let suffix = ".tmp"

    /// Whether a file of this name was being written: where nobody does so any more, it is left over from a crash.
    package static func isTemporary(_ name: String) -> Bool { name.hasPrefix(prefix) && name.hasSuffix(suffix) }

    package init(_ path: String) throws(VecStoreError) {
        let path = try AtomicFile.target(path)
        self.path = path
        // Another process, another index, an earlier crash: each has a name of its own.
        let number = AtomicFile.counter.add(1, ordering: .relaxed).newValue
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        // The name of the file is no part of it: that may be as long as names can be.
        let directory = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path[...$0] } ?? ""
        temporaryPath = "\(directory)\(AtomicFile.prefix)\(getpid())-\(number)-\(now.tv_nsec)\(AtomicFile.suffix)"
        file = try FileHandle.create(temporaryPath)
    }

    deinit { if !isDone { unlink(temporaryPath) } }

    /// The file that a path means: what a symbolic link points to, not the link. Refuses what is not a file: a rename over
    /// a device would remove it.
    private static func target(_ path: String) throws(VecStoreError) -> String {
        var status = stat()
        guard stat(path, &status) == 0 else { return path }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw VecStoreError(.invalidArgument, "'\(path)' is there and not a regular file: it is not replaced")
        }
        guard let resolved = realpath(path, nil) else { throw systemError("find", path) }
        defer { free(resolved) }
        guard let target = String(validatingCString: resolved) else {
            throw VecStoreError(.invalidArgument, "'\(path)' leads to a name that is not UTF-8")
        }
        return target
    }

    /// Puts the file in its place.
    /// - Parameter sync: Whether to wait until the disk has it.
    package func commit(sync: Bool) throws(VecStoreError) {
        var old = stat()
        // A file that is replaced keeps its permissions.
        if stat(path, &old) == 0 { _ = fchmod(file.descriptor, old.st_mode & 0o7777) }
        if sync { try file.synchronize() }
        guard rename(temporaryPath, path) == 0 else { throw systemError("replace", path) }
        isDone = true
        if sync { try syncDirectory() }
    }

    private func syncDirectory() throws(VecStoreError) {
        var directory = "."
        if let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) {
            directory = slash == path.utf8.startIndex ? "/" : String(path[..<slash])
        }
        try FileHandle.synchronizeDirectory(directory)
    }
}
