// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Tokenizers, each made when it is first needed.
final class TokenizerTable: @unchecked Sendable {
    // Safety: `made` is touched under `lock`.

    private let lock = Lock()
    private var made: [Tokenizer.Kind: Tokenizer] = [:]

    subscript(kind: Tokenizer.Kind) -> Tokenizer {
        get throws(VecStoreError) {
            try lock.withLock { () throws(VecStoreError) in
                if let known = made[kind] { return known }
                let new = try Tokenizer(kind)
                made[kind] = new
                return new
            }
        }
    }
}

extension PointCollection {
    func tokenizer(_ kind: Tokenizer.Kind) throws(VecStoreError) -> Tokenizer { try tokenizers[kind] }

    /// What takes a text apart whose words full-text search is asked for. It makes stems itself: a stem of a stem may be another.
    func splitter(_ kind: Tokenizer.Kind) throws(VecStoreError) -> Tokenizer { try tokenizers[kind == .stems ? .words : kind] }
}
