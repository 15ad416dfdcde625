// SPDX-License-Identifier: Apache-2.0

/// An entry as stores keep it.
package struct CacheEntry: Sendable, Equatable {
    package var id: EntryID
    package var prompt: [UInt8]
    /// nil: the store has it, and is asked for it on a hit.
    package var response: [UInt8]?
    /// Of norm 1.
    package var vector: [Float]
    /// A JSON object in its canonical form; empty: there is none.
    package var metadata: [UInt8]
    /// Milliseconds since 1970.
    package var created: Int64
    /// Milliseconds since 1970; nil: it has no end.
    package var expires: Int64?
    /// What it was given to live, in milliseconds: hits may begin it anew.
    package var ttl: Int64?
    /// What it takes to make the response again, in any unit.
    package var cost: Float
    /// Vectors of prompts that got this entry and should not have.
    package var negatives: [[Float]]

    package init(
        id: EntryID, prompt: [UInt8], response: [UInt8]?, vector: [Float], metadata: [UInt8] = [], created: Int64,
        expires: Int64? = nil, ttl: Int64? = nil, cost: Float = 1, negatives: [[Float]] = []
    ) {
        self.id = id
        self.prompt = prompt
        self.response = response
        self.vector = vector
        self.metadata = metadata
        self.created = created
        self.expires = expires
        self.ttl = ttl
        self.cost = cost
        self.negatives = negatives
    }
}
