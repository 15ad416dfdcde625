// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Makes vectors of prompts by a function of the caller's.
struct PromptEncoder: Sendable {
    let encode: @Sendable ([String]) throws -> [[Float]]

    /// A vector for each text, all by one call.
    func vectors(_ texts: [String]) throws(VecStoreError) -> [[Float]] {
        if texts.isEmpty { return [] }
        let vectors: [[Float]]
        do {
            vectors = try encode(texts)
        } catch let error as VecStoreError {
            throw error
        } catch {
            throw VecStoreError(CoreError(.cancelled, "encoder: \(error)"))
        }
        guard vectors.count == texts.count else {
            throw VecStoreError(CoreError(.invalidArgument, "encoder: there are \(vectors.count) vectors for \(texts.count) texts"))
        }
        return vectors
    }
}
