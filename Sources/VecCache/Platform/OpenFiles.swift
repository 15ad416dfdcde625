// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// Databases that this process has open, and that processes had open which it was forked from.
///
/// SQLite keeps a list of its locks in memory. A child of `fork` has a copy of it, and would take the locks of its parent for its own.
final class OpenFiles: @unchecked Sendable {
    // Safety: all that changes is touched under `lock`.

    static let shared = OpenFiles()

    fileprivate struct File: Hashable {
        let device: dev_t
        let node: ino_t

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            device = status.st_dev
            node = status.st_ino
        }
    }

    private let lock = Lock()
    private var users: [File: (process: pid_t, count: Int)] = [:]

    /// That a database is open, as long as this lives.
    final class Note: Sendable {
        private let file: File?

        fileprivate init(_ file: File?) { self.file = file }

        deinit { if let file { OpenFiles.shared.leave(file) } }
    }

    /// Opens a database, unless a parent of this process had it open when it forked.
    func open<R>(_ path: String, _ open: () throws(VecStoreError) -> R) throws(VecStoreError) -> (R, Note) {
        if let file = File(path), let user = lock.withLock({ users[file] }), !isProcess(user.process) {
            throw VecStoreError(
                .locked, "'\(path)' was open when this process was forked: it can be opened after an exec, or if it is closed before the fork")
        }
        let result = try open()
        let file = File(path)
        if let file { lock.withLock { users[file] = (thisProcess(), (users[file]?.count ?? 0) + 1) } }
        return (result, Note(file))
    }

    private func leave(_ file: File) {
        lock.withLock {
            // In a child it stays: the list of SQLite does, too.
            guard let user = users[file], isProcess(user.process) else { return }
            users[file] = user.count > 1 ? (user.process, user.count - 1) : nil
        }
    }
}
