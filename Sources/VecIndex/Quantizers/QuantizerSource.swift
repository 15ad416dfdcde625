// SPDX-License-Identifier: Apache-2.0

/// A file that a quantizer is read from.
struct QuantizerSource {
    let file: FileHandle
    let header: FileHeader

    var dimension: Int { header.shape.dimension }

    /// The floats of a section. They may be anything.
    func floats(_ kind: SectionKind) throws(VecStoreError) -> (values: UnsafePointer<Float>, memory: Buffer) {
        let memory = try header.readSection(kind, file)
        return (UnsafePointer(memory.pointer(Float.self)), memory)
    }

    func corrupt(_ what: String) -> VecStoreError { VecStoreError(.corrupt, "'\(file.path)' has \(what)") }

    /// Σ x² of some floats; not a number where one of them is none.
    static func square(_ values: UnsafePointer<Float>, _ count: Int) -> Double {
        var sum: Double = 0
        for i in 0..<count { sum += Double(values[i]) * Double(values[i]) }
        return sum
    }

    /// Largest Σ x² of a mean of vectors: with room for rounding above that of a vector.
    static let mostSquare: Double = 0x1p126
}
