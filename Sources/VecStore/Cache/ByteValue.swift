// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials

/// What may be a key or a value of a `ValueCache`: text, which is taken as UTF-8, and bytes.
public protocol ByteValue: Sendable {
    var cacheBytes: [UInt8] { get }
    /// Any bytes: text has replacements for what is no UTF-8 in them.
    init(cacheBytes: [UInt8])
}

extension String: ByteValue {
    public var cacheBytes: [UInt8] { Array(utf8) }
    public init(cacheBytes: [UInt8]) { self = String(decoding: cacheBytes, as: UTF8.self) }
}

extension Substring: ByteValue {
    public var cacheBytes: [UInt8] { Array(utf8) }
    public init(cacheBytes: [UInt8]) { self = Substring(String(cacheBytes: cacheBytes)) }
}

extension [UInt8]: ByteValue {
    public var cacheBytes: [UInt8] { self }
    public init(cacheBytes: [UInt8]) { self = cacheBytes }
}

extension ArraySlice<UInt8>: ByteValue {
    public var cacheBytes: [UInt8] { Array(self) }
    public init(cacheBytes: [UInt8]) { self = cacheBytes[...] }
}

extension Data: ByteValue {
    public var cacheBytes: [UInt8] { Array(self) }
    public init(cacheBytes: [UInt8]) { self.init(cacheBytes) }
}
