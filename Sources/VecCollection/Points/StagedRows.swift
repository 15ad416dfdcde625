// SPDX-License-Identifier: Apache-2.0

import CVecShims
import VecIndex
import VecKernelTypes
import VecKernels

/// The vectors of a batch as they will be stored, checked, with a checksum for each point.
struct StagedRows {
    /// By place of the vector; nil where no point of the batch has it.
    private(set) var rows: [UnsafeRawPointer?]
    /// Bits of the vectors that a point does not have.
    private(set) var missing: [UInt64]
    /// Of a point's vectors, one after the other.
    private(set) var checksums: [UInt32]
    private var memory: [Buffer] = []

    init(_ batch: PointBatch, _ collection: PointCollection) throws(VecStoreError) {
        let settings = collection.settings
        let count = batch.ids.count
        rows = [UnsafeRawPointer?](repeating: nil, count: settings.count)
        let all: UInt64 = settings.count == 64 ? .max : (1 << UInt64(settings.count)) - 1
        missing = [UInt64](repeating: all, count: count)
        checksums = []
        for vectors in batch.vectors {
            let place = try collection.vector(vectors.name)
            guard rows[place] == nil else {
                throw VecStoreError(.invalidArgument, "the vector '\(settings[place].name)' comes twice")
            }
            rows[place] = try stage(vectors, settings[place], count, collection.table)
            for i in 0..<count where vectors.present.map({ $0[i] != 0 }) ?? true { missing[i] &= ~(1 << UInt64(place)) }
        }
        if settings.count > 0, let i = missing.firstIndex(of: all) {
            throw VecStoreError(.invalidArgument, "point \(i) (id \(batch.ids[i])) has no vector: a point has at least one")
        }
        checksums = (0..<count).map { checksum($0, settings) }
    }

    /// Keeps `rows` and their memory alive while `body` runs.
    func withRows<R>(_ body: () throws(VecStoreError) -> R) throws(VecStoreError) -> R {
        defer { withExtendedLifetime(memory) {} }
        return try body()
    }

    /// Vectors in the type that they are stored in, without what nobody may search.
    private mutating func stage(
        _ vectors: PointBatch.Vectors, _ settings: VectorSettings, _ count: Int, _ table: KernelTable
    ) throws(VecStoreError) -> UnsafeRawPointer {
        try checkType(vectors.type, for: settings.type)
        let noun = settings.name.isEmpty ? "vector" : "'\(settings.name)' vector"
        let check = VectorCheck(metric: settings.metric, noun: noun)
        let size = settings.rowSize
        if vectors.present == nil && vectors.type == settings.type {
            try check.check(vectors.rows, type: settings.type, count: count, dimension: settings.dimension, table: table)
            return vectors.rows
        }
        let staged = try allocate(UInt8.self, count * size, for: "the vectors of \(count) points")
        let inputSize = vectors.type.rowSize(settings.dimension)
        for i in 0..<count where vectors.present.map({ $0[i] != 0 }) ?? true {
            let target = staged.base + i * size
            try convertElements(
                vectors.rows + i * inputSize, vectors.type, target, settings.type, settings.dimension, table,
                name: { "\(noun) \(i), element \($0)" })
            try check.check(
                target, type: settings.type, count: 1, dimension: settings.dimension, table: table, firstNumber: i)
        }
        memory.append(staged)
        return UnsafeRawPointer(staged.base)
    }

    private func checksum(_ i: Int, _ settings: [VectorSettings]) -> UInt32 {
        rowChecksum(settings, missing: missing[i]) { place in
            rows[place].map { $0 + i * settings[place].rowSize }
        }
    }
}

/// The checksum of the vectors that a point has: XXH3 of each, chained in the order of the settings.
func rowChecksum(_ settings: [VectorSettings], missing: UInt64, _ row: (Int) -> UnsafeRawPointer?) -> UInt32 {
    var sum: UInt64 = 0
    for place in settings.indices where missing & (1 << UInt64(place)) == 0 {
        guard let row = row(place) else { continue }
        let value = vs_checksum(row, settings[place].rowSize)
        sum = (sum &* 0x9e37_79b9_7f4a_7c15) ^ value
    }
    return UInt32(truncatingIfNeeded: sum ^ (sum >> 32))
}

/// The checksum of a payload; 0 where there is none. A point has that of its vectors, exclusive or this one: so one of them can
/// change without looking at the other.
func payloadChecksum(_ payload: UnsafeBufferPointer<UInt8>) -> UInt32 {
    guard let start = payload.baseAddress, !payload.isEmpty else { return 0 }
    let sum = vs_checksum(start, payload.count)
    return UInt32(truncatingIfNeeded: sum ^ (sum >> 32))
}
