// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes

/// What entries take in memory, as bounds count it: measured on entries of 384 elements, within a tenth.
struct EntrySize: Sendable {
    let dimension: Int
    let type: ElementType

    /// The record, its places in tables and queues, and links of the graph.
    private static let fixedBytes = 700

    /// - Parameters:
    ///   - content: Bytes of prompt, response and metadata.
    ///   - negatives: Vectors of wrong hits.
    func bytes(content: Int, negatives: Int) -> Int {
        // Codes of 4 bits lie beside the rows.
        content &+ type.rowSize(dimension) &+ dimension / 2 &+ 4 &* negatives &* dimension &+ EntrySize.fixedBytes
    }

    func bytes(_ entry: CacheEntry) -> Int {
        bytes(
            content: entry.prompt.count &+ (entry.response?.count ?? 0) &+ entry.metadata.count, negatives: entry.negatives.count)
    }

    func bytes(_ record: EntryRecord) -> Int { bytes(content: record.contentBytes, negatives: record.negatives.count) }
}
