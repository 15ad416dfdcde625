// Collections for tests, and what is asked of them in few words.
// SPDX-License-Identifier: Apache-2.0

import VecIndex
import VecKernelTypes

@testable import VecCollection

extension PointCollection {
    /// Writes points with one vector.
    func put(_ ids: [PointID], _ vectors: [[Float]], _ payloads: [String]? = nil, expires: [Int64]? = nil) throws {
        var memory: [[UInt8]] = []
        if let payloads { memory = payloads.map { Array($0.utf8) } }
        let flat = vectors.flatMap { $0 }
        let buffers = memory.map { bytes in
            let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
            _ = copy.initialize(from: bytes)
            return UnsafeBufferPointer(copy)
        }
        defer { for buffer in buffers { buffer.deallocate() } }
        try flat.withUnsafeBytes { raw in
            let rows = raw.baseAddress ?? UnsafeRawPointer(bitPattern: 64)!
            let vectors = [PointBatch.Vectors(name: nil, rows: rows, type: .float32)]
            if let expires {
                try expires.withUnsafeBufferPointer {
                    try upsert(PointBatch(ids: ids, vectors: vectors, payloads: payloads == nil ? nil : buffers, expires: $0.baseAddress))
                }
            } else {
                try upsert(PointBatch(ids: ids, vectors: vectors, payloads: payloads == nil ? nil : buffers))
            }
        }
    }

    func put(_ id: UInt64, _ vector: [Float], _ payload: String = "") throws {
        try put([.number(id)], [vector], [payload])
    }

    /// The ids of the nearest points.
    func near(
        _ query: [Float], _ k: Int = 10, filter: String? = nil, _ change: (inout VectorSearchOptions) -> Void = { _ in }
    ) throws -> [Hit] {
        var options = VectorSearchOptions()
        options.filter = filter.map { Array($0.utf8) }
        change(&options)
        return try query.withUnsafeBytes { raw in
            try search(raw.baseAddress!, type: .float32, count: 1, k: k, options)[0]
        }
    }

    func payload(_ id: PointID) throws -> String? {
        try get([id])[0].map { String(decoding: $0.payload, as: UTF8.self) }
    }
}

extension [Hit] {
    var ids: [PointID] { map(\.id) }
    var numbers: [UInt64] { compactMap { if case .number(let number) = $0.id { number } else { nil } } }
}
