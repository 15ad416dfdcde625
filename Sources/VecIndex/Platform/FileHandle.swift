// SPDX-License-Identifier: Apache-2.0

import CVecShims
import Glibc

/// The words of the system for an error.
package func systemReason(_ code: Int32) -> String {
    var text = [CChar](repeating: 0, count: 256)
    vs_system_reason(code, &text, text.count)
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

package func systemError(_ what: String, _ path: String, _ code: Int32 = errno) -> VecStoreError {
    let kind: VecStoreError.Code =
        code == ENOENT || code == ENOTDIR ? .notFound : (code == ENOMEM ? .outOfMemory : .io)
    return VecStoreError(kind, "cannot \(what) '\(path)': \(systemReason(code))")
}

/// A file descriptor that closes itself.
package final class FileHandle {
    package let descriptor: Int32
    package let path: String

    private init(_ descriptor: Int32, _ path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    package static func openForReading(_ path: String) throws(VecStoreError) -> FileHandle {
        try open(path, O_RDONLY)
    }

    /// For reading and writing; the file is there already.
    package static func openForWriting(_ path: String) throws(VecStoreError) -> FileHandle {
        try open(path, O_RDWR)
    }

    private static func open(_ path: String, _ mode: Int32) throws(VecStoreError) -> FileHandle {
        let fd = retry { Glibc.open(path, mode | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) }
        guard fd >= 0 else { throw systemError("open", path) }
        let file = FileHandle(fd, path)
        var status = stat()
        guard fstat(fd, &status) == 0 else { throw systemError("read", path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw VecStoreError(.invalidArgument, "'\(path)' is not a regular file")
        }
        return file
    }

    /// A new file; an existing one is never touched.
    package static func create(_ path: String) throws(VecStoreError) -> FileHandle {
        let fd = retry { Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
        guard fd >= 0 else { throw systemError("create", path) }
        return FileHandle(fd, path)
    }

    package func size() throws(VecStoreError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw systemError("read", path) }
        return Int(status.st_size)
    }

    /// Reads exactly `count` bytes from `offset`.
    package func read(_ target: UnsafeMutableRawPointer, _ count: Int, at offset: Int) throws(VecStoreError) {
        var done = 0
        while done < count {
            let n = retry { pread(descriptor, target + done, min(count - done, 1 << 30), off_t(offset + done)) }
            guard n >= 0 else { throw systemError("read", path) }
            guard n > 0 else {
                throw VecStoreError(.corrupt, "'\(path)' ends at byte \(offset + done): it was cut short")
            }
            done += n
        }
    }

    package func write(_ source: UnsafeRawPointer, _ count: Int, at offset: Int) throws(VecStoreError) {
        var done = 0
        while done < count {
            let n = retry { pwrite(descriptor, source + done, min(count - done, 1 << 30), off_t(offset + done)) }
            guard n >= 0 else { throw systemError("write", path) }
            done += n
        }
    }

    /// Cuts the file, or makes it longer by a hole.
    package func resize(_ size: Int) throws(VecStoreError) {
        guard retry({ ftruncate(descriptor, off_t(size)) }) == 0 else { throw systemError("resize", path) }
    }

    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    package func synchronize() throws(VecStoreError) {
        guard retry({ fsync(descriptor) }) == 0 else { throw systemError("sync", path) }
    }

    /// Waits until the disk has the content, and of what is known of the file as much as reading it takes.
    package func synchronizeContent() throws(VecStoreError) {
        guard retry({ fdatasync(descriptor) }) == 0 else { throw systemError("sync", path) }
    }

    /// Waits until the disk knows which files a directory has.
    package static func synchronizeDirectory(_ directory: String) throws(VecStoreError) {
        let fd = retry { Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard fd >= 0 else { throw systemError("open", directory) }
        defer { close(fd) }
        // Some file systems have no sync for directories; what was done there is done all the same.
        guard retry({ fsync(fd) }) == 0 || errno == EINVAL else { throw systemError("sync", directory) }
    }
}

/// Repeats a system call that a signal has interrupted.
package func retry<I: FixedWidthInteger>(_ call: () -> I) -> I {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}
