// Another program that a test runs, with what it prints. Foundation's own leaks a little, which LeakSanitizer tells.
// SPDX-License-Identifier: Apache-2.0

import Foundation

package final class ChildProcess {
    package struct Failure: Error {
        package let text: String
    }

    package let id: pid_t
    private let output: Int32

    /// Starts a program that is found as a shell finds it. It reads nothing; what it prints is read from `text` or `wait`.
    package init(_ program: String, _ arguments: [String]) throws {
        var pipe: [Int32] = [-1, -1]
        // Nothing else that starts at the same moment may keep the other end open.
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &pipe) == 0 else { throw Failure(text: "no pair of sockets") }
        defer { close(pipe[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, pipe[1], STDERR_FILENO)
        var pointers = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var id: pid_t = 0
        let code = posix_spawnp(&id, program, &actions, nil, &pointers, environ)
        guard code == 0 else {
            close(pipe[0])
            throw Failure(text: "\(program): \(String(cString: strerror(code)))")
        }
        self.id = id
        output = pipe[0]
    }

    deinit { close(output) }

    /// What it has printed by now and was not read yet, but something; empty where it will print no more.
    package func text() -> String {
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(output, &piece, piece.count)
        return String(decoding: piece.prefix(max(count, 0)), as: UTF8.self)
    }

    /// Waits for its end; the status is 0 where all went well.
    package func wait() -> (status: Int32, text: String) {
        var all = ""
        while case let piece = text(), !piece.isEmpty { all += piece }
        var status: Int32 = -1
        waitpid(id, &status, 0)
        return (status, all)
    }

    /// Whether it has ended. A process is asked no more once this was true.
    package var hasEnded: Bool {
        var status: Int32 = 0
        return waitpid(id, &status, WNOHANG) != 0
    }

    /// Ends it at once.
    package func kill() {
        Foundation.kill(id, SIGKILL)
        var status: Int32 = 0
        waitpid(id, &status, 0)
    }
}

/// Runs a program to its end; what it printed.
@discardableResult
package func run(_ program: String, _ arguments: [String]) throws -> String {
    let (status, text) = try ChildProcess(program, arguments).wait()
    guard status == 0 else { throw ChildProcess.Failure(text: "\(program): \(text)") }
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
}
