// SPDX-License-Identifier: Apache-2.0

public import CVecStore
import CVecShims
import VecIndex

/// Runs what a function does; turns an error into its status and keeps its message for this thread.
func status(_ body: () throws(VecStoreError) -> Void) -> vecstore_status {
    do {
        try body()
        return vecstore_status(VECSTORE_OK)
    } catch {
        keepMessage(error.message)
        return error.code.rawValue
    }
}

/// Copies a message into this thread's slot, cut between characters.
private func keepMessage(_ message: String) {
    guard let slot = vs_error_slot() else { return }
    var bytes = Array(message.utf8.prefix(1023))
    if message.utf8.count > 1023 {
        while let last = bytes.last, last & 0xc0 == 0x80 { bytes.removeLast() }
        if let last = bytes.last, last >= 0x80 { bytes.removeLast() }
    }
    for (i, byte) in bytes.enumerated() {
        // One line, whatever a file name contains.
        slot[i] = CChar(bitPattern: byte < 0x20 ? UInt8(ascii: " ") : byte)
    }
    slot[bytes.count] = 0
}

@_cdecl("vecstore_last_error")
public func vecstore_last_error() -> UnsafePointer<CChar>! {
    UnsafePointer(vs_error_slot())
}

@_cdecl("vecstore_status_name")
public func vecstore_status_name(_ status: vecstore_status) -> UnsafePointer<CChar>! {
    let name: StaticString =
        switch Int(status) {
        case VECSTORE_OK: "OK"
        case VECSTORE_ERR_INVALID_ARGUMENT: "INVALID_ARGUMENT"
        case VECSTORE_ERR_INVALID_HANDLE: "INVALID_HANDLE"
        case VECSTORE_ERR_UNSUPPORTED: "UNSUPPORTED"
        case VECSTORE_ERR_NOT_FINITE: "NOT_FINITE"
        case VECSTORE_ERR_ZERO_VECTOR: "ZERO_VECTOR"
        case VECSTORE_ERR_NOT_FOUND: "NOT_FOUND"
        case VECSTORE_ERR_ALREADY_EXISTS: "ALREADY_EXISTS"
        case VECSTORE_ERR_READ_ONLY: "READ_ONLY"
        case VECSTORE_ERR_OUT_OF_MEMORY: "OUT_OF_MEMORY"
        case VECSTORE_ERR_IO: "IO"
        case VECSTORE_ERR_CORRUPT: "CORRUPT"
        case VECSTORE_ERR_NEWER_VERSION: "NEWER_VERSION"
        case VECSTORE_ERR_TOO_LARGE: "TOO_LARGE"
        case VECSTORE_ERR_CANCELLED: "CANCELLED"
        case VECSTORE_ERR_LOCKED: "LOCKED"
        case VECSTORE_ERR_UNAVAILABLE: "UNAVAILABLE"
        case VECSTORE_ERR_INTERNAL: "INTERNAL"
        default: "UNKNOWN"
        }
    return UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
}
