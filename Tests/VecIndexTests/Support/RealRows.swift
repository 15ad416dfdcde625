// The rows and queries of the examples: descriptions of Debian packages, as a language model sees them.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import VecIndexReference
import VecKernelTypes

enum RealRows {
    static let dimension = 384
    /// 5,000 rows, of norm 1, one after the other.
    static let rows = read("packages.f16.npy")
    /// 40 questions.
    static let questions = read("queries.f16.npy")

    /// The first rows, and 140 queries: the questions, and the last rows of the file.
    /// - Parameter scale: What elements are multiplied by, so that integers tell them apart.
    static func make(_ count: Int, _ type: ElementType, scale: Float = 1) -> (rows: Vectors, queries: Vectors) {
        func vectors(_ floats: some Sequence<Float>) -> Vectors {
            Vectors(floats.map { $0 * scale }, dimension: dimension, type: type)
        }
        return (
            vectors(rows.prefix(count * dimension)), vectors(questions + Array(rows.suffix(100 * dimension)))
        )
    }

    /// What makes the most of 8 bits: no element of these rows is larger than 0.25.
    static func scale(_ type: ElementType) -> Float { type == .int8 || type == .uint8 ? 500 : 1 }

    /// The elements of a file in the format of NumPy: a magic number, the length of a header, and float16 behind it.
    private static func read(_ name: String) -> [Float] {
        let url = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../examples/data/\(name)").standardized
        guard let bytes = try? [UInt8](Data(contentsOf: url)), bytes.count > 10 else { return [] }
        let start = 10 + Int(bytes[8]) + 256 * Int(bytes[9])
        return bytes.withUnsafeBytes { bytes in
            stride(from: start, to: bytes.count - 1, by: 2).map {
                Float(bytes.loadUnaligned(fromByteOffset: $0, as: Float16.self))
            }
        }
    }
}
