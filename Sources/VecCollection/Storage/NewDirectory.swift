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
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let temporary = "\(path).new-\(getpid())-\(time.tv_nsec)"
        guard mkdir(temporary, 0o777) == 0 else { throw systemError("create", temporary) }
        do throws(VecStoreError) {
            try fill(temporary)
            if sync { try FileHandle.synchronizeDirectory(temporary) }
            guard rename(temporary, path) == 0 else {
                let code = errno
                throw code == EEXIST || code == ENOTEMPTY ? isThere(path) : systemError("create", path, code)
            }
        } catch {
            for name in (try? fileNames(temporary)) ?? [] { unlink("\(temporary)/\(name)") }
            rmdir(temporary)
            throw error
        }
        if sync { try FileHandle.synchronizeDirectory(parent(path)) }
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

    private static func parent(_ path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
    }
}
