// SPDX-License-Identifier: Apache-2.0

/// Writes parts one after the other, so that other parts never make the same bytes. The least byte of a number comes first.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ number: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    mutating func add(_ number: Int) { add(UInt64(bitPattern: Int64(number))) }
    mutating func add(_ number: Float) { add(UInt64(number.bitPattern)) }
    mutating func add(_ flag: Bool) { bytes.append(flag ? 1 : 0) }

    mutating func add(part: some Collection<UInt8>) {
        add(part.count)
        bytes += part
    }

    mutating func add(_ text: String) { add(part: text.utf8) }

    mutating func add<E: VectorElement>(elements: [E]) {
        add(elements.count)
        elements.withUnsafeBytes { bytes += $0 }
    }

    /// A part that may be missing.
    mutating func add<Part>(_ part: Part?, _ write: (inout ByteWriter, Part) -> Void) {
        add(part != nil)
        if let part { write(&self, part) }
    }
}

/// Reads what a `ByteWriter` has written. Whoever else wrote it: what is not there is nil.
struct ByteReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func number() -> UInt64? {
        guard rest.count >= 8 else { return nil }
        defer { rest.removeFirst(8) }
        return rest.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func count() -> Int? { number().flatMap { Int(exactly: $0) } }

    mutating func float() -> Float? { number().flatMap { UInt32(exactly: $0) }.map { Float(bitPattern: $0) } }

    mutating func flag() -> Bool? {
        guard let byte = rest.popFirst(), byte <= 1 else { return nil }
        return byte == 1
    }

    mutating func part() -> ArraySlice<UInt8>? {
        guard let count = count(), count <= rest.count else { return nil }
        defer { rest.removeFirst(count) }
        return rest.prefix(count)
    }

    mutating func floats() -> [Float]? {
        guard let count = count(), count <= rest.count / 4 else { return nil }
        defer { rest.removeFirst(4 * count) }
        return [Float](leastByteFirst: Array(rest.prefix(4 * count)))
    }
}

extension [Float] {
    /// The elements one after the other.
    var leastByteFirst: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 * count)
        for element in self {
            for shift in stride(from: UInt32(0), to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: element.bitPattern >> shift)) }
        }
        return bytes
    }

    /// nil where the bytes are not those of whole elements.
    init?(leastByteFirst bytes: [UInt8]) {
        guard bytes.count.isMultiple(of: 4) else { return nil }
        self = stride(from: 0, to: bytes.count, by: 4).map { i in
            Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[i + $1]) << UInt32(8 * $1) })
        }
    }
}
