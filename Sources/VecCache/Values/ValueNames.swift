// SPDX-License-Identifier: Apache-2.0

/// The keys in Redis of what is found by exact keys: `vecstore:<namespace>:value:<key>`. They have no braces of their own, so that
/// a cluster spreads them.
///
/// A long key is named by 128 bits of it, under `value-long`; what lies there says whose it is.
struct ValueNames: Sendable {
    private let short: [UInt8]
    private let long: [UInt8]

    /// Most bytes of a key that is its own name.
    static let shortBytes = 64

    /// What keys of a namespace begin with. A colon in the namespace is written as %3A: otherwise keys of one namespace could be those
    /// of another.
    static func prefix(_ namespace: String) -> [UInt8] {
        var prefix = Array("vecstore:".utf8)
        for byte in namespace.utf8 {
            switch byte {
            case UInt8(ascii: ":"): prefix += "%3A".utf8
            case UInt8(ascii: "%"): prefix += "%25".utf8
            default: prefix.append(byte)
            }
        }
        prefix.append(UInt8(ascii: ":"))
        return prefix
    }

    init(namespace: String) {
        let prefix = ValueNames.prefix(namespace)
        short = prefix + Array("value:".utf8)
        long = prefix + Array("value-long:".utf8)
    }

    func name(_ key: [UInt8]) -> [UInt8] {
        if key.count <= ValueNames.shortBytes { return short + key }
        return long + Array(EntryID(prompt: key, metadata: []).text.utf8)
    }

    func isName(_ name: [UInt8]) -> Bool { name.starts(with: short) || name.starts(with: long) }

    /// What `SCAN` finds all names by, and perhaps others.
    var pattern: [UInt8] {
        var pattern: [UInt8] = []
        for byte in short.dropLast() {
            if "*?[]\\".utf8.contains(byte) { pattern.append(UInt8(ascii: "\\")) }
            pattern.append(byte)
        }
        return pattern + [UInt8(ascii: "*")]
    }

    // MARK: - What lies there

    /// A value as it lies in Redis: plain, and after the length of the key (four bytes, the least first) and the key where that is long.
    func stored(_ value: NewValue) -> [UInt8] {
        guard value.key.count > ValueNames.shortBytes else { return value.value }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 + value.key.count + value.value.count)
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: value.key.count).littleEndian) { bytes += $0 }
        bytes += value.key
        bytes += value.value
        return bytes
    }

    /// The value of a key; nil where it is that of another one with the same name.
    func value(_ stored: [UInt8], of key: [UInt8]) -> [UInt8]? {
        guard key.count > ValueNames.shortBytes else { return stored }
        let start = 4 + key.count
        guard stored.count >= start else { return nil }
        let length = (0..<4).reduce(UInt32(0)) { $0 | UInt32(stored[$1]) << UInt32(8 * $1) }
        guard length == key.count, stored[4..<start].elementsEqual(key) else { return nil }
        return Array(stored[start...])
    }
}
