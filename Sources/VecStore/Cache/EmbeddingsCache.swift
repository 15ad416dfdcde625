// SPDX-License-Identifier: Apache-2.0

import Synchronization
import VecCache

/// Vectors of texts by an encoder that remembers: texts that it has encoded before, or another process has, are not encoded again.
///
///     let values = try ValueCache("redis://localhost", namespace: "embeddings")
///     let embeddings = try EmbeddingsCache(values, model: "all-MiniLM-L6-v2") { texts in try model.encode(texts) }
///     let cache = try SemanticCache(
///         "redis://localhost", namespace: "support-bot", dimension: 384, encoder: embeddings.vectors(of:))
///
/// Any method may be called from any thread, for as long as the value cache is open. From a task call them within its `run`.
public final class EmbeddingsCache: Sendable {
    private let values: ValueCache
    private let encoder: PromptEncoder
    /// What keys begin with: vectors of one model are not taken for those of another.
    private let prefix: [UInt8]
    private let ttl: TimeToLive
    /// Elements of a vector, once one was seen; else 0.
    private let dimension = Atomic<Int>(0)

    /// - Parameters:
    ///   - values: Where vectors are kept, 4 bytes for an element. It stays the caller's to close.
    ///   - model: That makes the vectors; not empty.
    ///   - ttl: How long a vector is kept.
    ///   - encoder: Makes a vector of each text. It is called on the thread of the call, once, with all texts that are not known,
    ///     each once. What it throws ends the call, as in `SemanticCache`.
    /// - Throws: `.invalidArgument`.
    public init(
        _ values: ValueCache, model: String, ttl: TimeToLive = .standard, encoder: @escaping @Sendable ([String]) throws -> [[Float]]
    ) throws(VecStoreError) {
        guard !model.isEmpty, !model.utf8.contains(0) else {
            throw VecStoreError(CoreError(.invalidArgument, "model is empty or contains a zero byte: expected the name of a model"))
        }
        try rethrow { () throws(CoreError) in try ttl.internalValue.check() }
        self.values = values
        self.encoder = PromptEncoder(encode: encoder)
        self.ttl = ttl
        prefix = Array(model.utf8) + [0]
    }

    /// The vector of a text.
    /// - Throws: As for several.
    public func vector(of text: String) throws(VecStoreError) -> [Float] { try vectors(of: [text]).first ?? [] }

    /// The vectors of texts, in their order. Those that are known come with one round trip, the others are encoded by one call, and
    /// kept with another.
    /// - Parameter texts: Up to 1,048,576, of up to 1 MiB each.
    /// - Throws: What the encoder throws; `.invalidArgument` and `.notFinite` for what it gives that is no vector for each text, all of
    ///   one length; `.tooLarge`, and what `ValueCache.get` and `set` throw.
    public func vectors(of texts: [String]) throws(VecStoreError) -> [[Float]] {
        let known = Texts(texts, prefix)
        var rows: [[Float]?] = try values.get(known.keys).map { $0.flatMap { row($0) } }
        let new = rows.indices.filter { rows[$0] == nil }
        if !new.isEmpty {
            let made = try encode(new, known)
            let length = made.first?.count ?? 0
            if rows.allSatisfy({ $0 == nil || $0?.count == length }) {
                for (i, row) in zip(new, made) { rows[i] = row }
            } else {
                // Those that are there are of another model with the same name.
                rows = try encode(Array(rows.indices), known)
            }
        }
        return known.places.map { rows[$0] ?? [] }
    }

    /// Encodes some texts, and keeps their vectors.
    private func encode(_ places: [Int], _ known: Texts) throws(VecStoreError) -> [[Float]] {
        let made = try encoder.vectors(places.map { known.texts[$0] })
        let length = made.first?.count ?? 0
        for (i, row) in made.enumerated() {
            guard row.count == length, length > 0 else {
                throw VecStoreError(
                    CoreError(
                        .invalidArgument,
                        "encoder: vector \(i) has \(row.count) elements, the first \(length): expected as many in all, and one at least"))
            }
            guard row.allSatisfy(\.isFinite) else {
                throw VecStoreError(CoreError(.notFinite, "encoder: vector \(i) has NaN or infinity: elements must be finite"))
            }
        }
        dimension.store(length, ordering: .relaxed)
        try values.set(zip(places, made).map { (key: known.keys[$0], value: $1.leastByteFirst) }, ttl: ttl)
        return made
    }

    // MARK: - What is kept

    /// A vector that was kept; nil for what is none, or has another length than others.
    private func row(_ value: [UInt8]) -> [Float]? {
        guard let row = [Float](leastByteFirst: value), !row.isEmpty else { return nil }
        let (_, length) = dimension.compareExchange(expected: 0, desired: row.count, ordering: .relaxed)
        return (length == 0 || length == row.count) && row.allSatisfy(\.isFinite) ? row : nil
    }

    /// Texts, each once, with the keys of their vectors. What are two ways to write one letter are two texts, as encoders see it.
    private struct Texts {
        var texts: [String] = []
        var keys: [[UInt8]] = []
        /// For each text that was given, which of them it is.
        var places: [Int] = []

        init(_ given: [String], _ prefix: [UInt8]) {
            var known: [[UInt8]: Int] = [:]
            places.reserveCapacity(given.count)
            for text in given {
                let key = prefix + Array(text.utf8)
                let place = known[key] ?? texts.count
                if place == texts.count {
                    known[key] = place
                    texts.append(text)
                    keys.append(key)
                }
                places.append(place)
            }
        }
    }
}
