// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// Appends rows to a list, coded relative to its center. One thread uses it.
struct ListWriter {
    private let model: IVFModel
    private let table: KernelTable
    private let scratch: ListCodec.Scratch?
    private let floats: Buffer

    init(_ model: IVFModel, _ table: KernelTable) throws(VecStoreError) {
        self.model = model
        self.table = table
        scratch = if let codec = model.codec { try ListCodec.Scratch(codec) } else { nil }
        floats = try allocate(Float.self, model.codec == nil ? 0 : model.dimension, for: "a row")
    }

    /// - Parameters:
    ///   - entries: Numbers of rows of the batch times `assignments`, and something below that.
    ///   - slots: Of each row of the batch.
    func append(
        _ state: ListState, _ list: Int, _ batch: RowBatch, _ entries: UnsafePointer<UInt32>, _ count: Int,
        _ assignments: Int, _ slots: UnsafePointer<UInt32>
    ) throws(VecStoreError) -> ListState {
        if let codec = model.codec, let scratch { codec.begin(model, list, scratch) }
        return try state.appending(count, model.layout) { (block, row, i) throws(VecStoreError) in
            let number = Int(entries[i]) / assignments
            guard let codec = model.codec, let scratch else {
                block.storeBytes(of: slots[number], toByteOffset: model.layout.slotsAt + 4 * row, as: UInt32.self)
                return
            }
            let vector = floats.pointer(Float.self)
            try batch.copy(number, model.metric, vector, table)
            let (offset, factor) = try codec.encode(vector, scratch)
            model.layout.write(
                block, row, slot: slots[number], numbers: scratch.numbers, tables: codec.tables, offset: offset,
                factor: factor)
        }
    }
}
