// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// That one writer has the directory of a collection: a lock of the system on a file in it, which goes with the process.
final class DirectoryLock {
    private let descriptor: Int32
    private let path: String
    private let owner = getpid()

    static let fileName = "lock"

    init(_ directory: String) throws(VecStoreError) {
        let path = "\(directory)/\(DirectoryLock.fileName)"
        let fd = retry { open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666) }
        guard fd >= 0 else { throw systemError("open", path) }
        guard retry({ flock(fd, LOCK_EX | LOCK_NB) }) == 0 else {
            let code = errno
            close(fd)
            if code == EWOULDBLOCK {
                throw VecStoreError(
                    .locked, "'\(directory)' is open for writing already: one process writes at a time, any number may read")
            }
            throw systemError("lock", path, code)
        }
        descriptor = fd
        self.path = path
    }

    /// Whether the file that is locked is the one that the next writer would lock.
    var isInPlace: Bool {
        var own = stat(), other = stat()
        guard fstat(descriptor, &own) == 0, stat(path, &other) == 0 else { return false }
        return own.st_dev == other.st_dev && own.st_ino == other.st_ino
    }

    /// Gives it up before this goes. The child of a fork has the same lock, and may keep it longer: it is given up for both, but
    /// only by its owner.
    func unlock() { if getpid() == owner { _ = flock(descriptor, LOCK_UN) } }

    deinit {
        unlock()
        close(descriptor)
    }
}
