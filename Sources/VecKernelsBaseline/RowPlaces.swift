// SPDX-License-Identifier: Apache-2.0

/// Where the rows of a scattered list lie.
protocol RowPlaces {
    func row(_ j: Int) -> UnsafeRawPointer
}

/// At positions of one block.
struct Positions: RowPlaces {
    let base: UnsafeRawPointer
    let stride: Int
    let positions: UnsafePointer<UInt32>

    @inline(__always)
    init(_ base: UnsafeRawPointer, _ stride: Int, _ positions: UnsafePointer<UInt32>) {
        self.base = base
        self.stride = stride
        self.positions = positions
    }

    @inline(__always)
    func row(_ j: Int) -> UnsafeRawPointer { base + stride &* Int(positions[j]) }
}

/// At addresses of their own.
struct Addresses: RowPlaces {
    let rows: UnsafePointer<UnsafeRawPointer>

    @inline(__always)
    init(_ rows: UnsafePointer<UnsafeRawPointer>) { self.rows = rows }

    @inline(__always)
    func row(_ j: Int) -> UnsafeRawPointer { rows[j] }
}
