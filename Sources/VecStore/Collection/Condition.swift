// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// What points have to be like: a filter of a collection. Made by `Field`, by the functions here, or of JSON.
///
///     let wanted = Field("section") == "net" && !(Field("size") > 1000)
///     try points.search(query, filter: wanted)
///
/// `a && b` holds where both do, `a || b` where one does, `!a` where `a` does not. What makes no sense (a path that is none, a
/// filter that is nested too deep) is refused by the call that takes the condition, with its place in the JSON.
public struct Condition: Sendable {
    private enum Clause: String {
        case must, should
        case mustNot = "must_not"
    }

    /// nil: there is one part, and it stands for itself.
    private let clause: Clause?
    /// JSON texts. Not conditions: those could be nested deeper than a stack is.
    private let parts: [[UInt8]]
    /// Whether the only part is a whole filter, and not a condition that cannot stand alone.
    private let isFilter: Bool

    private init(_ clause: Clause?, _ parts: [[UInt8]], isFilter: Bool = false) {
        self.clause = clause
        self.isFilter = isFilter
        // Conditions of conditions can grow without end: what is left of one that is too long is too long still.
        var size = 0
        self.parts = Array(
            parts.prefix { part in
                defer { size += part.count }
                return size <= CollectionLimits.filterBytes
            })
    }

    // MARK: - Of JSON

    /// A filter as JSON text, in the words of Qdrant.
    /// - Throws: `.invalidArgument` where it is not right, with the place and the reason; `.tooLarge`, `.outOfMemory`.
    public init(json: String) throws(VecStoreError) {
        let bytes = Array(json.utf8)
        try rethrow { () throws(CoreError) in
            try bytes.withUnsafeBufferPointer { (bytes) throws(CoreError) in _ = try VecCollection.Filter(json: bytes) }
        }
        self.init(nil, [bytes], isFilter: true)
    }

    /// The filter as JSON text, which the interfaces for C and Python take.
    public var json: String { String(decoding: filterBytes, as: UTF8.self) }

    // MARK: - Of points

    /// All points.
    public static let all = Condition(.must, [])

    /// Points with one of these ids. Ids that no point has do no harm.
    public static func hasID(_ ids: [PointID]) -> Condition {
        Condition { json in
            json.key("has_id")
            json.beginArray()
            for id in ids {
                if let number = id.number { json.integer(number) } else { json.string(id.text ?? "") }
            }
            json.endArray()
        }
    }

    /// Points that have a vector of this name.
    public static func hasVector(_ name: String) -> Condition {
        Condition { json in
            json.key("has_vector")
            json.string(name)
        }
    }

    // MARK: - Of conditions

    /// One of the conditions holds, or more; of none, no point.
    static func anyOf(_ conditions: [Condition]) -> Condition {
        conditions.isEmpty ? !all : Condition(.should, conditions.map(\.part))
    }

    /// Points that meet so many of several conditions, or more.
    /// - Parameter count: 1 to the number of conditions.
    public static func atLeast(_ count: Int, _ conditions: [Condition]) -> Condition {
        Condition { json in
            json.key("min_should")
            json.beginObject()
            json.key("conditions")
            json.beginArray()
            for condition in conditions { json.raw(condition.part) }
            json.endArray()
            json.key("min_count")
            json.integer(count)
            json.endObject()
        }
    }

    /// Both hold.
    public static func && (a: Condition, b: Condition) -> Condition { joined(.must, a, b) }

    /// One of them holds, or both.
    public static func || (a: Condition, b: Condition) -> Condition { joined(.should, a, b) }

    /// It does not hold.
    public static prefix func ! (condition: Condition) -> Condition {
        if condition.clause == .mustNot && condition.parts.count == 1 {
            return Condition(nil, condition.parts, isFilter: condition.isFilter)
        }
        return Condition(.mustNot, [condition.part], isFilter: condition.isFilter || condition.clause != nil)
    }

    /// One list for a chain of the same operator: filters may not be nested deep.
    private static func joined(_ clause: Clause, _ a: Condition, _ b: Condition) -> Condition {
        func listed(_ condition: Condition) -> [[UInt8]] {
            condition.clause == clause && !condition.parts.isEmpty ? condition.parts : [condition.part]
        }
        return Condition(clause, listed(a) + listed(b))
    }

    // MARK: - JSON

    /// A condition of the members that `body` writes into an object.
    init(_ body: (inout JSONWriter) -> Void) {
        var json = JSONWriter()
        json.beginObject()
        body(&json)
        json.endObject()
        self.init(nil, [json.bytes])
    }

    /// As a condition of a filter.
    private var part: [UInt8] {
        guard let clause else { return parts.first ?? [] }
        return Condition.object(clause, parts)
    }

    /// As a filter.
    var filterBytes: [UInt8] { clause == nil && !isFilter ? Condition.object(.must, parts) : part }

    private static func object(_ clause: Clause, _ parts: [[UInt8]]) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key(clause.rawValue)
        json.beginArray()
        for part in parts { json.raw(part) }
        json.endArray()
        json.endObject()
        return json.bytes
    }
}
