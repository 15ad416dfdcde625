// The rows and queries of the examples: descriptions of Debian packages, as a language model sees them.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import VecIndexReference
import VecKernelTypes

@testable import VecIndex

enum RealRows {
    static let dimension = 384
    /// 5,000 rows, of norm 1, one after the other.
    static let rows = read("packages.f16.npy")
    /// 40 questions.
    static let questions = read("queries.f16.npy")

    /// The first rows, and 140 queries: the questions, and the last rows of the file.
    static func make(_ count: Int, _ type: ElementType) -> (rows: Vectors, queries: Vectors) {
        // No element is larger than 0.25: scaled and moved, they make the most of 8 bits.
        let scale: Float = type == .int8 || type == .uint8 ? 500 : 1
        let middle: Float = type == .uint8 ? 127 : 0
        func vectors(_ floats: some Sequence<Float>) -> Vectors {
            Vectors(floats.map { $0 * scale + middle }, dimension: dimension, type: type)
        }
        return (
            vectors(rows.prefix(count * dimension)), vectors(questions + Array(rows.suffix(100 * dimension)))
        )
    }

    /// A graph of 2,100 rows under cosine, stored as codes with sketches: for tests that only read.
    static let graph = Result {
        try HNSWIndex(make(2100, .float32).rows, metric: .cosine, storage: .int8, m: 12, efConstruction: 64)
    }

    /// The same, stored as 4-bit codes.
    static let int4Graph = Result {
        try HNSWIndex(make(2100, .float32).rows, metric: .cosine, storage: .int4, m: 12, efConstruction: 64)
    }

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
