// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Copies as much of a text as fits, and a zero, into a caller's buffer.
func copy(
    _ text: String, to buffer: UnsafeMutablePointer<CChar>?, _ size: Int, _ needed: UnsafeMutablePointer<Int>?
) throws(VecStoreError) {
    let room = try checkedCount(size, "size")
    let out = try checked(buffer, "buffer", count: room)
    var text = text
    needed?.pointee = text.utf8.count
    if room == 0 { return }
    text.withUTF8 { bytes in
        let n = min(bytes.count, room - 1)
        for i in 0..<n { out[i] = CChar(bitPattern: bytes[i]) }
        out[n] = 0
    }
}
