// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Appends rows to a list, coded relative to its center. One thread uses it.
struct ListWriter {
    private let model: IVFModel
    private let table: KernelTable
    private let scratch: ListCodec.Scratch?

    /// - Parameter count: Rows that there will be.
    init(_ model: IVFModel, _ table: KernelTable, count: Int) throws(VecStoreError) {
        self.model = model
        self.table = table
        scratch = if let codec = model.codec { try ListCodec.Scratch(codec, count: count) } else { nil }
    }

    /// - Parameters:
    ///   - entries: Numbers of rows of the batch times `assignments`, and something below that.
    ///   - slots: Of each row of the batch.
    func append(
        _ state: ListState, _ list: Int, _ batch: RowBatch, _ entries: UnsafePointer<UInt32>, _ count: Int,
        _ assignments: Int, _ slots: UnsafePointer<UInt32>
    ) throws(VecStoreError) -> ListState {
        if let codec = model.codec, let scratch { try codec.begin(model, list, scratch) }
        return try state.appending(count, model.layout) { (block, row, i) throws(VecStoreError) in
            let number = Int(entries[i]) / assignments
            guard let codec = model.codec, let scratch else {
                block.storeBytes(of: slots[number], toByteOffset: model.layout.slotsAt + 4 * row, as: UInt32.self)
                return
            }
            let place = i % scratch.rows
            if place == 0 {
                let n = min(scratch.rows, count - i)
                for j in 0..<n { try batch.copy(Int(entries[i + j]) / assignments, model.metric, scratch.row(j), table) }
                try codec.encode(n, scratch)
            }
            model.layout.write(
                block, row, slot: slots[number], numbers: scratch.numbers(place), count: codec.shape.numbers,
                offset: scratch.offsets[place], factor: scratch.factors[place])
        }
    }
}
