// Quantizers over the vectors of a test.
// SPDX-License-Identifier: Apache-2.0

import VecIndexReference
import VecKernelTypes

@testable import VecIndex

extension VectorQuantizer {
    func train(_ vectors: Vectors, threads: Int = 0, progress: Progress? = nil) throws {
        try vectors.bytes.withUnsafeBytes {
            try train($0.baseAddress!, type: vectors.type, count: vectors.count, threads: threads, progress: progress)
        }
    }

    func codes(_ vectors: Vectors, threads: Int = 0) throws -> [UInt8] {
        var codes = [UInt8](repeating: 0xEE, count: vectors.count * codeSize)
        try vectors.bytes.withUnsafeBytes {
            try encode($0.baseAddress!, type: vectors.type, count: vectors.count, &codes, threads: threads)
        }
        return codes
    }

    func vectors(_ codes: [UInt8], threads: Int = 0) throws -> Vectors {
        let count = codes.count / codeSize
        var floats = [Float](repeating: .nan, count: count * dimension)
        try decode(codes, count: count, &floats, threads: threads)
        return Vectors(floats, dimension: dimension, type: .float32)
    }

    func loss(_ vectors: Vectors) throws -> Loss {
        try vectors.bytes.withUnsafeBytes {
            try loss($0.baseAddress!, type: vectors.type, count: vectors.count, threads: 0)
        }
    }

    func distances(_ queries: Vectors, _ codes: [UInt8], _ metric: Metric) throws -> [Float] {
        let count = codes.count / codeSize
        var out = [Float](repeating: .nan, count: queries.count * count)
        try queries.bytes.withUnsafeBytes {
            try distances(
                $0.baseAddress!, type: queries.type, queries.count, codes, count: count, metric: metric, &out, threads: 0)
        }
        return out
    }
}
