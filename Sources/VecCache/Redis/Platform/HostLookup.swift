// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// An address as the system has it.
struct SocketAddress: Sendable {
    let family: Int32
    private let bytes: [UInt8]

    /// A copy of what the resolver gave.
    init?(_ info: addrinfo) {
        guard let address = info.ai_addr else { return nil }
        family = info.ai_family
        bytes = Array(UnsafeRawBufferPointer(start: address, count: Int(info.ai_addrlen)))
    }

    /// A socket in the file system.
    init(path: String) throws(VecStoreError) {
        let limit = MemoryLayout<sockaddr_un>.size - MemoryLayout<sa_family_t>.size - 1
        let name = Array(path.utf8)
        guard !name.isEmpty && name.count <= limit && !name.contains(0) else {
            throw VecStoreError(.invalidArgument, "the path of a unix socket has 1 to \(limit) bytes, none of them 0")
        }
        family = AF_UNIX
        bytes = withUnsafeBytes(of: sa_family_t(AF_UNIX)) { Array($0) } + name + [0]
    }

    func withPointer<R>(_ body: (UnsafePointer<sockaddr>?, socklen_t) -> R) -> R {
        bytes.withUnsafeBytes { body($0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count)) }
    }
}

/// Asks the system for the addresses of a host. Its resolver knows no time-out of a caller, so that names are looked up on a thread
/// that may be left to itself.
enum HostLookup {
    static func find(_ host: String, _ port: UInt16, until deadline: Deadline) throws(VecStoreError) -> [SocketAddress] {
        if case .success(let numeric) = resolve(host, port, AI_NUMERICHOST) { return numeric }
        let question = Question(host, port)
        guard question.ask() else {
            throw VecStoreError(.outOfMemory, "cannot start a thread to look up the host '\(host)'")
        }
        guard let answer = question.wait(until: deadline) else {
            throw VecStoreError(.unavailable, "the address of the host '\(host)' could not be found in time")
        }
        switch answer {
        case .success(let addresses): return addresses
        case .failure(let failure):
            throw VecStoreError(.unavailable, "the address of the host '\(host)' could not be found: \(failure.reason)")
        }
    }

    fileprivate struct Failure: Error {
        let reason: String
    }

    fileprivate typealias Answer = Result<[SocketAddress], Failure>

    fileprivate static func resolve(_ host: String, _ port: UInt16, _ flags: Int32) -> Answer {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = flags | AI_NUMERICSERV
        var first: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &first)
        guard code == 0 else {
            return .failure(Failure(reason: gai_strerror(code).map { String(cString: $0) } ?? "code \(code)"))
        }
        defer { freeaddrinfo(first) }
        var addresses: [SocketAddress] = []
        var next = first
        while let info = next {
            if let address = SocketAddress(info.pointee) { addresses.append(address) }
            next = info.pointee.ai_next
        }
        return .success(addresses)
    }

    private final class Question: @unchecked Sendable {
        // Safety: `answer` is touched under `lock`.

        private let host: String
        private let port: UInt16
        private let lock = Lock()
        private let answered = Condition()
        private var answer: Answer?

        init(_ host: String, _ port: UInt16) {
            self.host = host
            self.port = port
        }

        func ask() -> Bool {
            guard let thread = BackgroundThread({ self.run() }) else { return false }
            thread.detach()
            return true
        }

        private func run() {
            let found = HostLookup.resolve(host, port, 0)
            lock.withLock { answer = found }
            answered.signalAll()
        }

        func wait(until deadline: Deadline) -> Answer? {
            lock.lock()
            defer { lock.unlock() }
            while answer == nil && !deadline.hasPassed { answered.wait(lock, milliseconds: deadline.remaining) }
            return answer
        }
    }
}
