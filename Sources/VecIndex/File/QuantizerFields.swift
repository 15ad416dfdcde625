// SPDX-License-Identifier: Apache-2.0

/// What the header of a quantizer's file says beside what all have: how it was made.
struct QuantizerFields {
    var design: QuantizerDesign

    /// Where the fields are in the header.
    static let begin = 68
    static let end = 100

    init(_ design: QuantizerDesign) { self.design = design }

    /// The bytes that a section must have; nil where the file must not have it.
    func wantedSize(_ kind: SectionKind, dimension: Int) -> Int? {
        switch (design, kind) {
        case (.scalar, .ranges): product(dimension, 8)
        case (.product(let design), .partCentroids): product(dimension, 4 << design.bits)
        case (.product(let design), .rotation): design.isRotated ? product(dimension, dimension, 4) : nil
        case (.binary, .mean): product(dimension, 4)
        default: nil
        }
    }

    // MARK: - Writing

    func encode() -> [UInt8] {
        var bytes: [UInt8] = []
        func put<I: FixedWidthInteger>(_ value: I) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
        put(kind)
        switch design {
        case .scalar(let design):
            put(UInt32(design.bits))
            put(UInt32(0))
            put(UInt64(0))
            put(UInt32(0))
            put(UInt32(design.isUniform ? 1 : 0))
            put(design.quantile.bitPattern)
        case .product(let design):
            put(UInt32(design.bits))
            put(UInt32(design.m))
            put(design.seed)
            put(UInt32(design.isRotated ? 1 : 0))
        case .binary(let design):
            put(UInt32(design.bits))
            put(UInt32(0))
            put(design.seed)
        }
        return bytes + [UInt8](repeating: 0, count: QuantizerFields.end - QuantizerFields.begin - bytes.count)
    }

    /// The raw values are those of the C header and of files: never renumber them.
    private var kind: UInt32 {
        switch design {
        case .scalar: 1
        case .product: 2
        case .binary: 3
        }
    }

    // MARK: - Reading

    /// Every field is checked before it is used; what does not belong to the kind must be 0.
    init(_ bytes: UnsafeRawPointer, dimension: Int, path: String) throws(VecStoreError) {
        func u32(_ at: Int) -> UInt32 { UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)) }
        func corrupt(_ what: String) -> VecStoreError { VecStoreError(.corrupt, "'\(path)' has a quantizer \(what)") }
        let bits = Int(u32(4)), m = u32(8), rotation = u32(20), uniform = u32(24), quantile = u32(28)
        let seed = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 12, as: UInt64.self))
        let isPure: Bool
        switch u32(0) {
        case 1:
            isPure = m == 0 && rotation == 0 && uniform <= 1 && seed == 0
            design = .scalar(
                QuantizerDesign.ScalarDesign(bits: bits, isUniform: uniform == 1, quantile: Float(bitPattern: quantile)))
        case 2:
            isPure = rotation <= 1 && uniform == 0 && quantile == 0
            design = .product(QuantizerDesign.ProductDesign(m: Int(m), bits: bits, isRotated: rotation == 1, seed: seed))
        case 3:
            isPure = m == 0 && rotation == 0 && uniform == 0 && quantile == 0
            design = .binary(QuantizerDesign.BinaryDesign(bits: bits, seed: seed))
        default:
            throw corrupt("of unknown kind \(u32(0))")
        }
        guard isPure else { throw corrupt("(\(design.name)) with fields that do not go together") }
        do throws(VecStoreError) {
            try design.check(dimension: dimension)
        } catch {
            throw corrupt("that cannot be: \(error.message)")
        }
    }
}

extension FileHeader {
    /// What the file holds, for somebody who took it for something else.
    var summary: String {
        if let quantizer { return "a quantizer (\(quantizer.design.name), dim \(shape.dimension))" }
        return "an index (\(kind), dim \(shape.dimension), \(count) rows)"
    }
}
