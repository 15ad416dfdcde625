// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// The TLS of one connection. It only turns bytes into other bytes; sending and waiting are done where they are without TLS.
final class TLSSession {
    private let context: TLSContext
    private let library: OpenSSL
    private let session: OpaquePointer
    /// What came from the server and what is to go there. They belong to the session.
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer

    /// - Parameter host: Whom the certificate must name, where the options do not say.
    init(_ context: TLSContext, host: String) throws(VecStoreError) {
        self.context = context
        library = context.library
        guard let session = library.newSession(context.context) else { throw TLSSession.noMemory }
        guard let incoming = library.newBuffer(library.memoryMethod()) else {
            library.freeSession(session)
            throw TLSSession.noMemory
        }
        guard let outgoing = library.newBuffer(library.memoryMethod()) else {
            _ = library.freeBuffer(incoming)
            library.freeSession(session)
            throw TLSSession.noMemory
        }
        self.session = session
        self.incoming = incoming
        self.outgoing = outgoing
        library.setBuffers(session, incoming, outgoing)
        library.setConnecting(session)
        try expect(context.options.serverName ?? host)
    }

    deinit { library.freeSession(session) }

    private static let noMemory = VecStoreError(.outOfMemory, "no memory for TLS")

    private func expect(_ name: String) throws(VecStoreError) {
        // An address is compared with the addresses of the certificate, and is not told in the handshake.
        if library.setAddress(library.parameters(session), name) == 1 { return }
        library.clearErrors()
        let told = name.withCString {
            library.controlSession(session, OpenSSL.setServerName, 0, UnsafeMutableRawPointer(mutating: $0))
        }
        guard told == 1, library.setHost(session, name) == 1 else {
            throw VecStoreError(.invalidArgument, "the name '\(name)' cannot be that of a TLS server: \(library.reason)")
        }
    }

    /// Goes on with the handshake as far as what has come allows. True once it is done.
    func continueHandshake() throws(VecStoreError) -> Bool {
        library.clearErrors()
        let result = library.handshake(session)
        if result == 1 { return true }
        let kind = library.errorKind(session, result)
        if kind == OpenSSL.wantsRead || kind == OpenSSL.wantsWrite { return false }
        let verdict = library.verifyResult(session)
        if context.options.verifiesServer && verdict != 0 {
            let reason = library.verifyText(verdict).map { String(cString: $0) } ?? "code \(verdict)"
            throw VecStoreError(.io, "the certificate of the Redis server is not trusted: \(reason)")
        }
        throw VecStoreError(.io, "the TLS handshake with the Redis server failed: \(library.reason)")
    }

    /// Takes in what came from the server.
    func feed(_ bytes: UnsafeRawBufferPointer) throws(VecStoreError) {
        guard library.writeBuffer(incoming, bytes.baseAddress, Int32(clamping: bytes.count)) == bytes.count else {
            throw TLSSession.noMemory
        }
    }

    /// Reads what the server said; 0: no more has come.
    func read(_ target: UnsafeMutableRawBufferPointer) throws(VecStoreError) -> Int {
        library.clearErrors()
        let n = library.read(session, target.baseAddress, Int32(clamping: target.count))
        if n > 0 { return Int(n) }
        switch library.errorKind(session, n) {
        case OpenSSL.wantsRead, OpenSSL.wantsWrite: return 0
        case OpenSSL.hasEnded: throw VecStoreError(.unavailable, "the Redis server closed the connection")
        default: throw VecStoreError(.unavailable, "the TLS connection to the Redis server broke: \(library.reason)")
        }
    }

    /// Encrypts bytes; `drain` has them then.
    func write(_ bytes: [UInt8]) throws(VecStoreError) {
        var done = 0
        while done < bytes.count {
            library.clearErrors()
            let n = bytes.withUnsafeBytes {
                library.write(session, $0.baseAddress.map { $0 + done }, Int32(clamping: min(bytes.count - done, 1 << 30)))
            }
            guard n > 0 else {
                throw VecStoreError(.unavailable, "the TLS connection to the Redis server broke: \(library.reason)")
            }
            done += Int(n)
        }
    }

    /// Appends what is to be sent.
    func drain(into bytes: inout [UInt8]) throws(VecStoreError) {
        let count = library.pending(outgoing)
        guard count > 0 else { return }
        let before = bytes.count
        bytes += [UInt8](repeating: 0, count: count)
        let n = bytes.withUnsafeMutableBytes {
            library.readBuffer(outgoing, $0.baseAddress.map { $0 + before }, Int32(clamping: count))
        }
        bytes.removeLast(bytes.count - before - max(Int(n), 0))
    }
}
