// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// A descriptor that becomes readable for good when any thread raises the alarm.
final class Alarm: Sendable {
    let descriptor: Int32
    private let other: Int32

    init() throws(VecStoreError) {
        var pair: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &pair) == 0 else {
            throw VecStoreError(.io, "cannot make a pair of sockets: \(systemReason(errno))")
        }
        (descriptor, other) = (pair[0], pair[1])
    }

    deinit {
        close(descriptor)
        close(other)
    }

    func raise() {
        var byte: UInt8 = 1
        _ = retry { send(other, &byte, 1, Int32(MSG_NOSIGNAL)) }
    }
}
