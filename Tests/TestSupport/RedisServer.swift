// A real redis-server for a test, alone or as a cluster, in a directory of its own and on free ports of this machine.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

package final class RedisServer: @unchecked Sendable {
    // Safety: tests start and stop a server from one thread at a time.

    package enum Failure: Error { case noStart(String) }

    /// How a server is set up beyond being alone on a port.
    package struct Settings: Sendable {
        package var password: String?
        /// Lines for a user, as of `ACL SETUSER`.
        package var users: [String] = []
        package var hasUnixSocket = false
        package var certificates: RedisCertificates?
        package var isCluster = false
        /// More arguments.
        package var arguments: [String] = []

        package init() {}
    }

    package private(set) var port: UInt16 = 0
    package let settings: Settings
    private let directory: TemporaryDirectory
    private var process: ChildProcess?

    package init(_ settings: Settings = Settings()) throws {
        self.settings = settings
        directory = try TemporaryDirectory()
        // Another process may be quicker to take a port.
        for _ in 0..<4 {
            port = try RedisServer.freePort()
            if (try? start()) != nil { return }
        }
        port = try RedisServer.freePort()
        try start()
    }

    deinit { remove() }

    /// Ends it and leaves nothing behind.
    package func remove() {
        kill()
        directory.remove()
    }

    package var url: String { "redis://127.0.0.1:\(port)" }
    package var unixPath: String { directory.path("redis.sock") }

    // MARK: - Life

    package func start() throws {
        var arguments = [
            "--bind", "127.0.0.1", "--dir", directory.path("."), "--save", "", "--logfile", directory.path("log"),
            "--dbfilename", "dump.rdb", "--appendonly", "no", "--repl-diskless-sync-delay", "0",
        ]
        if let certificates = settings.certificates {
            arguments += ["--port", "0", "--tls-port", "\(port)"] + certificates.serverArguments
        } else {
            arguments += ["--port", "\(port)"]
        }
        if let password = settings.password { arguments += ["--requirepass", password] }
        for user in settings.users { arguments += ["--user"] + user.split(separator: " ").map(String.init) }
        if settings.hasUnixSocket { arguments += ["--unixsocket", unixPath] }
        if settings.isCluster {
            arguments += ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"]
            arguments += ["--cluster-config-file", directory.path("nodes.conf")]
        }
        let process = try ChildProcess("redis-server", arguments + settings.arguments)
        self.process = process
        let end = Date().addingTimeInterval(20)
        while !isListening {
            let isGone = process.hasEnded
            if isGone || Date() > end {
                if isGone { self.process = nil } else { kill() }
                let log = (try? directory.bytes("log")).map { String(decoding: $0, as: UTF8.self) } ?? "no log"
                throw Failure.noStart(log)
            }
            usleep(10_000)
        }
    }

    /// As a crash: no goodbye, nothing saved.
    package func kill() {
        process?.kill()
        process = nil
    }

    /// Takes connections, and says nothing any more.
    package func stop() { signal(SIGSTOP) }
    package func proceed() { signal(SIGCONT) }

    private func signal(_ signal: Int32) {
        if let process { Foundation.kill(process.id, signal) }
    }

    /// Ports that servers of this process have or had: one that was killed wants its own again.
    private static let taken = Mutex(Set<UInt16>())

    /// The server's port and the one for the bus of a cluster, 10,000 above, are free.
    private static func freePort() throws -> UInt16 {
        for _ in 0..<100 {
            let port = UInt16.random(in: 12_000...22_000)
            guard isFree(port) && isFree(port + 10_000) else { continue }
            if taken.withLock({ $0.insert(port).inserted }) { return port }
        }
        throw Failure.noStart("no port is free")
    }

    private static func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    private static func isFree(_ port: UInt16) -> Bool {
        withSocket(port) { bind($0, $1, $2) == 0 }
    }

    private static func withSocket(_ port: UInt16, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Bool) -> Bool {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(fd) }
        var address = address(port)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }

    private var isListening: Bool {
        RedisServer.withSocket(port) { connect($0, $1, $2) == 0 }
            && (!settings.hasUnixSocket || FileManager.default.fileExists(atPath: unixPath))
    }

    // MARK: - Asking it by its own client

    /// What `redis-cli` prints for a command.
    @discardableResult
    package func cli(_ arguments: String...) throws -> String {
        var all = ["-h", "127.0.0.1", "-p", "\(port)"]
        if let password = settings.password { all += ["--no-auth-warning", "-a", password] }
        if let certificates = settings.certificates { all += certificates.clientArguments }
        return try run("redis-cli", all + arguments)
    }
}
