// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// A directory that appears under its name whole or not at all: filled under another name beside it, then renamed.
enum NewDirectory {
    /// - Parameters:
    ///   - path: Of what is not there, or is an empty directory.
    ///   - sync: Whether to wait until the disk has it.
    static func make(
        _ path: String, sync: Bool, _ fill: (String) throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        if FileHandle.exists(path) {
            guard try fileNames(path).isEmpty else { throw isThere(path) }
        }
        removeLeftovers(path)
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let temporary = "\(temporaryPrefix(path))\(getpid())-\(time.tv_nsec)\(suffix)"
        guard mkdir(temporary, 0o777) == 0 else { throw systemError("create", temporary) }
        do throws(VecStoreError) {
            // Says that somebody is at work here.
            let lock = try DirectoryLock(temporary)
            defer { withExtendedLifetime(lock) {} }
            try fill(temporary)
            if sync { try FileHandle.synchronizeDirectory(temporary) }
            guard rename(temporary, path) == 0 else {
                let code = errno
                throw code == EEXIST || code == ENOTEMPTY ? isThere(path) : systemError("create", path, code)
            }
        } catch {
            remove(temporary)
            throw error
        }
        if sync { try FileHandle.synchronizeDirectory(parent(path)) }
    }

    private static let suffix = ".tmp"

    /// How the names of directories begin that are to become the one at `path`. Nobody gives such a name to something of his own.
    private static func temporaryPrefix(_ path: String) -> String {
        let name = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path[path.index(after: $0)...] } ?? path[...]
        return "\(parent(path))/.\(name).vecstore-"
    }

    /// Removes what is left of processes that were making the one at `path` and ended before: nobody has the lock of it.
    private static func removeLeftovers(_ path: String) {
        let prefix = temporaryPrefix(path)
        for name in (try? fileNames(parent(path))) ?? [] {
            let leftover = "\(parent(path))/\(name)"
            guard leftover.hasPrefix(prefix), leftover.hasSuffix(suffix), let lock = try? DirectoryLock(leftover) else { continue }
            withExtendedLifetime(lock) { remove(leftover) }
        }
    }

    private static func remove(_ directory: String) {
        for name in (try? fileNames(directory)) ?? [] { unlink("\(directory)/\(name)") }
        rmdir(directory)
    }

    private static func isThere(_ path: String) -> VecStoreError {
        VecStoreError(.alreadyExists, "'\(path)' is there already and not an empty directory")
    }

    /// Without slashes at the end.
    static func trimmed(_ path: String) -> String {
        var path = path
        while path.utf8.count > 1 && path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
        return path
    }

    /// The directory that something lies in.
    static func parent(_ path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
    }
}
