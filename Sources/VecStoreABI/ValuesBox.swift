// SPDX-License-Identifier: Apache-2.0

import CVecStore
import VecIndex

/// Values as the header shows them.
final class ValuesBox: @unchecked Sendable {
    // Safety: written by init only.

    private let count: Int
    private let values: Buffer
    private let sizes: Buffer
    private let bytes: Buffer

    /// Where a value begins: numbers in it can be read where they are.
    private static let alignment = 16

    init(_ found: [[UInt8]?]) throws(VecStoreError) {
        count = found.count
        values = try allocate(UnsafeRawPointer?.self, found.count, for: "values")
        sizes = try allocate(Int.self, found.count, for: "values")
        let room = found.reduce(0) { $0 + ($1.map { ValuesBox.room($0) } ?? 0) }
        bytes = try allocate(UInt8.self, room, for: "values")
        var used = 0
        for (i, value) in found.enumerated() {
            guard let value else {
                values.pointer(UnsafeRawPointer?.self)[i] = nil
                sizes.pointer(Int.self)[i] = 0
                continue
            }
            let start = bytes.pointer(UInt8.self) + used
            value.withUnsafeBufferPointer { value in
                if let base = value.baseAddress { start.update(from: base, count: value.count) }
            }
            start[value.count] = 0
            values.pointer(UnsafeRawPointer?.self)[i] = UnsafeRawPointer(start)
            sizes.pointer(Int.self)[i] = value.count
            used += ValuesBox.room(value)
        }
    }

    /// With a zero behind it.
    private static func room(_ value: [UInt8]) -> Int { (value.count + alignment) / alignment * alignment }

    var view: vecstore_values_view {
        var view = vecstore_values_view()
        view.n = count
        view.values = UnsafePointer(values.pointer(UnsafeRawPointer?.self))
        view.sizes = UnsafePointer(sizes.pointer(Int.self))
        return view
    }
}
