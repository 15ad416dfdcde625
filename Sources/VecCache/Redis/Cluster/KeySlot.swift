// SPDX-License-Identifier: Apache-2.0

/// Where in a cluster a key belongs.
package enum KeySlot {
    package static let count = 16_384

    /// The slot of a key. Where the key has braces with something between them, only that counts: keys can be kept together.
    package static func slot(of key: [UInt8]) -> Int {
        if let open = key.firstIndex(of: UInt8(ascii: "{")),
            let close = key[(open + 1)...].firstIndex(of: UInt8(ascii: "}")), close > open + 1
        {
            return slot(key[(open + 1)..<close])
        }
        return slot(key[...])
    }

    private static func slot(_ bytes: ArraySlice<UInt8>) -> Int {
        var crc: UInt16 = 0
        for byte in bytes { crc = crc << 8 ^ table[Int(UInt8(truncatingIfNeeded: crc >> 8) ^ byte)] }
        return Int(crc) % count
    }

    /// CRC16 as of XMODEM: the polynomial 0x1021, from 0, nothing reversed.
    private static let table: [UInt16] = (0..<256).map { byte in
        (0..<8).reduce(UInt16(byte) << 8) { crc, _ in crc & 0x8000 == 0 ? crc << 1 : crc << 1 ^ 0x1021 }
    }
}
