// SPDX-License-Identifier: Apache-2.0

import VecKernelTypes
import VecKernels

extension VectorQuantizer {
    /// Writes what training has found to a file, whole or not at all.
    package func save(to path: String, sync: Bool) throws(VecStoreError) {
        let trained = try current()
        var header = FileHeader(
            shape: RowShape(dimension: dimension, metric: .l2Squared, type: .float32, keepsCodes: false),
            quantizer: QuantizerFields(design), count: 0, nextID: 0, idsAscend: false)
        try header.write(to: path, sync: sync) { (kind, writer) throws(VecStoreError) in
            try trained.write(kind, to: writer)
        }
    }

    /// Opens the file of a quantizer. Every byte is checked.
    package static func open(_ path: String, table: KernelTable = .current) throws(VecStoreError) -> VectorQuantizer {
        let file = try FileHandle.openForReading(path)
        let header = try FileHeader(file)
        guard let design = header.quantizer?.design else {
            throw VecStoreError(.invalidArgument, "'\(path)' holds \(header.summary), not a quantizer: open it as an index")
        }
        try header.verifyPadding(path) { (at, count, out) throws(VecStoreError) in try file.read(out, count, at: at) }
        let quantizer = try VectorQuantizer(dimension: header.shape.dimension, design: design, table: table)
        let source = QuantizerSource(file: file, header: header)
        switch design {
        case .scalar(let design): quantizer.take(try ScalarCodec(source, design, table))
        case .product(let design): quantizer.take(try ProductQuantizer(source, design, table))
        case .binary(let design): quantizer.take(try BinaryQuantizer(source, design, table))
        }
        return quantizer
    }
}
