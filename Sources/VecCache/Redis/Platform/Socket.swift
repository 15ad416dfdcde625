// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// A connected socket that never blocks, and closes itself.
final class Socket {
    let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// What came of a read or a write.
    enum Outcome {
        case moved(Int)
        /// Nothing can be moved now.
        case wouldBlock
        case closed
        case refused(Int32)
    }

    // MARK: - Connecting

    /// Tries all addresses of the server, one after the other; each has its share of the time.
    static func connect(_ address: RedisAddress, until deadline: Deadline) throws(VecStoreError) -> Socket {
        let candidates: [SocketAddress] =
            switch address {
            case .tcp(let host, let port): try HostLookup.find(host, port, until: deadline)
            case .unix(let path): [try SocketAddress(path: path)]
            }
        var reason = "it has no address"
        for (i, candidate) in candidates.enumerated() {
            let share = deadline.butAtMost(milliseconds: deadline.remaining / (candidates.count - i))
            switch attempt(candidate, until: share) {
            case .success(let socket): return socket
            case .failure(let failure): reason = failure.reason
            }
            if deadline.hasPassed { break }
        }
        throw VecStoreError(.unavailable, "cannot connect to Redis at \(address): \(reason)")
    }

    private struct Refusal: Error {
        let reason: String

        init(_ code: Int32) { reason = systemReason(code) }
        init(_ reason: String) { self.reason = reason }
    }

    private static func attempt(_ address: SocketAddress, until deadline: Deadline) -> Result<Socket, Refusal> {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let fd = Glibc.socket(address.family, kind, 0)
        guard fd >= 0 else { return .failure(Refusal(errno)) }
        let socket = Socket(fd)
        let result = address.withPointer { pointer, size in retry { Glibc.connect(fd, pointer, size) } }
        if result != 0 {
            // A full queue of a unix socket is told as EAGAIN; there is nothing to wait for then.
            guard errno == EINPROGRESS else { return .failure(Refusal(errno)) }
            var polls = [pollfd(fd: fd, events: Int16(POLLOUT), revents: 0)]
            guard waitForEvents(&polls, until: deadline) else { return .failure(Refusal("it did not answer in time")) }
            var code: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size)
            guard code == 0 else { return .failure(Refusal(code)) }
        }
        if address.family != AF_UNIX { socket.setOptions() }
        return .success(socket)
    }

    private func setOptions() {
        func set(_ level: Int32, _ name: Int32, _ value: Int32) {
            var value = value
            setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
        }
        set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        // A server that went without a word is noticed after about a minute, also where nothing is asked of it.
        set(SOL_SOCKET, SO_KEEPALIVE, 1)
        set(Int32(IPPROTO_TCP), TCP_KEEPIDLE, 30)
        set(Int32(IPPROTO_TCP), TCP_KEEPINTVL, 10)
        set(Int32(IPPROTO_TCP), TCP_KEEPCNT, 3)
    }

    // MARK: - Moving bytes

    func read(_ target: UnsafeMutableRawBufferPointer) -> Outcome {
        let n = retry { recv(descriptor, target.baseAddress, target.count, 0) }
        return n == 0 ? .closed : outcome(n)
    }

    /// The signal of a broken pipe would end the host's process.
    func write(_ source: UnsafeRawBufferPointer) -> Outcome {
        outcome(retry { send(descriptor, source.baseAddress, source.count, Int32(MSG_NOSIGNAL)) })
    }

    private func outcome(_ count: Int) -> Outcome {
        if count >= 0 { return .moved(count) }
        return errno == EAGAIN || errno == EWOULDBLOCK ? .wouldBlock : .refused(errno)
    }

    /// Whether anything waits to be read, an end included.
    var isReadable: Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return retry { Glibc.poll(&poll, 1, 0) } != 0
    }
}

/// Waits for any of the events; false where the deadline came first.
func waitForEvents(_ polls: inout [pollfd], until deadline: Deadline) -> Bool {
    while true {
        let n = poll(&polls, nfds_t(polls.count), Int32(clamping: deadline.remaining))
        if n > 0 { return true }
        if n < 0 && errno != EINTR && errno != EAGAIN { return false }
        if deadline.hasPassed { return false }
    }
}
