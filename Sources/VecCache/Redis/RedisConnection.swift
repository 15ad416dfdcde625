// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// A connection to one server. Commands go out and replies come in at the same time, so that neither side waits for the other for
/// good. Once it has failed it is of no more use: nobody knows which replies would come.
final class RedisConnection: @unchecked Sendable {
    // Safety: one thread at a time has it: the pool gives it to one only, `DedicatedConnection` belongs to one.

    let address: RedisAddress
    /// When it was last used, by the clock of deadlines.
    var lastUsed = ticks()

    private let socket: Socket
    private let tls: TLSSession?
    private let reader: ReplyReader
    private let counters: RedisCounters
    private var outgoing: [UInt8] = []
    private var sent = 0
    private var expected = 0
    private var hasSentAny = false

    /// What has come of the commands of the last exchange, in their order.
    private(set) var replies: [RedisReply] = []
    /// Why those that are missing will not come.
    private(set) var failure: VecStoreError?

    /// Connects; says nothing yet.
    init(_ address: RedisAddress, _ tls: TLSContext?, _ counters: RedisCounters, until deadline: Deadline) throws(VecStoreError) {
        self.address = address
        self.counters = counters
        reader = try ReplyReader()
        socket = try Socket.connect(address, until: deadline)
        guard let tls else {
            self.tls = nil
            return
        }
        var host = ""
        if case .tcp(let name, _) = address { host = name }
        self.tls = try TLSSession(tls, host: host)
        try shakeHands(until: deadline)
    }

    // MARK: - Exchanges

    /// Whether some of the commands may have reached the server.
    var mayHaveBeenSeen: Bool { hasSentAny }

    /// Anything that waits to be read while nothing was asked: an end, or what belongs to nobody.
    var isStale: Bool { failure != nil || socket.isReadable }

    /// Begins to send commands.
    /// - Parameter bytes: The commands, as they are sent.
    func begin(_ bytes: [UInt8], count: Int) {
        replies = []
        expected = count
        hasSentAny = false
        do throws(VecStoreError) {
            if let tls {
                try tls.write(bytes)
                try tls.drain(into: &outgoing)
            } else {
                outgoing = bytes
            }
            try flush()
        } catch {
            failWithLastWords(error)
        }
    }

    func fail(_ error: VecStoreError) {
        if failure == nil { failure = error }
    }

    private var isWaiting: Bool { failure == nil && replies.count < expected }

    /// Sends and receives on all connections at once, until all replies are there.
    /// - Parameter alarm: A descriptor that becomes readable where somebody wants the waiting to end.
    static func finish(_ connections: [RedisConnection], until deadline: Deadline, alarm: Int32? = nil) {
        while true {
            let waiting = connections.filter(\.isWaiting)
            if waiting.isEmpty { return }
            var polls = waiting.map { $0.interest }
            if let alarm { polls.append(pollfd(fd: alarm, events: Int16(POLLIN), revents: 0)) }
            guard waitForEvents(&polls, until: deadline) else {
                for connection in waiting { connection.timeOut() }
                return
            }
            if alarm != nil, let last = polls.last, last.revents != 0 {
                for connection in waiting { connection.fail(VecStoreError(.cancelled, "the connection to Redis was closed")) }
                return
            }
            for (connection, poll) in zip(waiting, polls) where poll.revents != 0 { connection.advance() }
        }
    }

    private var interest: pollfd {
        pollfd(fd: socket.descriptor, events: Int16(sent < outgoing.count ? POLLIN | POLLOUT : POLLIN), revents: 0)
    }

    private func timeOut() {
        counters.add(.timeouts)
        fail(VecStoreError(.unavailable, "Redis at \(address) did not answer in time"))
    }

    private func advance() {
        do throws(VecStoreError) { try flush() } catch { return failWithLastWords(error) }
        do throws(VecStoreError) { try receive() } catch { fail(error) }
    }

    /// Nothing more can be sent. What the server said before it closed is the better reason: too many clients, for one.
    private func failWithLastWords(_ error: VecStoreError) {
        do throws(VecStoreError) { while try receive() {} } catch {}
        fail(error)
    }

    // MARK: - Bytes

    private func flush() throws(VecStoreError) {
        while sent < outgoing.count {
            let result = outgoing.withUnsafeBytes { socket.write(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
            switch result {
            case .moved(let count):
                sent += count
                hasSentAny = true
                counters.add(.bytesSent, count)
            case .wouldBlock: return
            case .closed: throw closed
            case .refused(let code): throw lost(code)
            }
        }
        outgoing.removeAll(keepingCapacity: outgoing.capacity <= 1 << 16)
        sent = 0
    }

    /// Takes in what has come. False where nothing had.
    @discardableResult
    private func receive() throws(VecStoreError) -> Bool {
        let result = withBuffer(RedisConnection.pieceSize) { buffer -> Result<Bool, VecStoreError> in
            Result { () throws(VecStoreError) -> Bool in try receive(buffer) }
        }
        return try result.get()
    }

    private func receive(_ buffer: UnsafeMutableRawBufferPointer) throws(VecStoreError) -> Bool {
        switch socket.read(buffer) {
        case .moved(let count):
            counters.add(.bytesReceived, count)
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            if let tls { try tls.feed(bytes) } else { try reader.feed(bytes) }
            try takeReplies(buffer)
            return true
        case .wouldBlock: return false
        case .closed:
            // What came before the end has been taken in: one that says why, such as too many clients.
            throw closed
        case .refused(let code): throw lost(code)
        }
    }

    private func takeReplies(_ buffer: UnsafeMutableRawBufferPointer) throws(VecStoreError) {
        guard let tls else { return try takeComplete() }
        // During the handshake there is nothing to be read yet.
        guard expected > 0 else { return }
        while case let count = try tls.read(buffer), count > 0 {
            try reader.feed(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            try takeComplete()
        }
        try tls.drain(into: &outgoing)
        try flush()
    }

    private func takeComplete() throws(VecStoreError) {
        while replies.count < expected, let reply = try reader.next() { replies.append(reply) }
    }

    /// Small pieces: the reader of hiredis moves what is left of a piece again and again.
    private static let pieceSize = 1 << 14

    private var closed: VecStoreError { VecStoreError(.unavailable, "Redis at \(address) closed the connection") }

    private func lost(_ code: Int32) -> VecStoreError {
        VecStoreError(.unavailable, "the connection to Redis at \(address) was lost: \(systemReason(code))")
    }

    // MARK: - TLS

    private func shakeHands(until deadline: Deadline) throws(VecStoreError) {
        guard let tls else { return }
        while true {
            let isDone = try tls.continueHandshake()
            try tls.drain(into: &outgoing)
            try flush()
            if isDone && sent == outgoing.count { return }
            var polls = [interest]
            guard waitForEvents(&polls, until: deadline) else {
                timeOut()
                throw VecStoreError(.unavailable, "the TLS handshake with Redis at \(address) did not end in time")
            }
            if !isDone { try receive() }
        }
    }
}

private func withBuffer<R>(_ count: Int, _ body: (UnsafeMutableRawBufferPointer) -> R) -> R {
    withUnsafeTemporaryAllocation(byteCount: count, alignment: 16, body)
}
