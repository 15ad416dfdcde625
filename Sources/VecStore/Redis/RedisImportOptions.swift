// SPDX-License-Identifier: Apache-2.0

import VecCache
import VecIndex

/// The elements of a vector in a field of a hash in Redis, one after the other, the least byte first.
public enum BlobType: Sendable, CaseIterable {
    case float32, float64, float16, bfloat16
}

/// What values of fields become in a payload.
public enum FieldValues: Sendable, CaseIterable {
    /// Strings.
    case text
    /// Numbers where they are one in JSON, else strings.
    case numbers
    /// Numbers, objects, arrays, true, false and null where they are that in JSON, else strings.
    case json
}

/// How hashes in a Redis become points of a collection, or rows of an index.
///
///     try points.importRedis("redis://localhost", RedisImportOptions(prefix: "doc:", values: .json))
public struct RedisImportOptions: Sendable {
    /// What keys begin with. What follows is the id: a number where it is one in plain digits ("7", not "007"), else a string.
    public var prefix: String
    /// Which keys, in the signs of `KEYS`; nil: all with the prefix.
    public var pattern: String?
    /// The fields of vectors by the names of these; "" is the only one. Empty: each vector is in the field of its name, one without
    /// a name in "embedding".
    public var vectorFields: [String: String]
    public var blobType: BlobType
    /// Of a collection: fields that the payload has; nil: all but those of vectors.
    public var payloadFields: [String]?
    /// Of a collection: a field with a JSON object whose members are members of the payload; nil: there is none.
    public var jsonField: String?
    /// Of a collection.
    public var values: FieldValues
    /// Points that are written at once, all or none: 1 to 1,048,576.
    public var batchSize: Int
    /// Whether keys that cannot be points are passed over and counted; the log has the first twenty.
    public var skipsBad: Bool
    /// Of an index: that add rows; 0: as many as the process has processors.
    public var threads: Int
    public var redis: RedisOptions

    public init(
        prefix: String = "", pattern: String? = nil, vectorFields: [String: String] = [:], blobType: BlobType = .float32,
        payloadFields: [String]? = nil, jsonField: String? = nil, values: FieldValues = .text, batchSize: Int = 1000,
        skipsBad: Bool = false, threads: Int = 0, redis: RedisOptions = RedisOptions()
    ) {
        self.prefix = prefix
        self.pattern = pattern
        self.vectorFields = vectorFields
        self.blobType = blobType
        self.payloadFields = payloadFields
        self.jsonField = jsonField
        self.values = values
        self.batchSize = batchSize
        self.skipsBad = skipsBad
        self.threads = threads
        self.redis = redis
    }
}

/// What an import from a Redis came to.
public struct RedisImportResult: Sendable, Hashable {
    /// Points, or rows, that were written.
    public internal(set) var points = 0
    /// Keys that were passed over because they were wrong.
    public internal(set) var skipped = 0
    /// Why the first of them was.
    public internal(set) var firstReason: String?

    public init() {}
}

extension RedisImportOptions {
    func coreOptions(_ progress: ((Int, Int) -> Bool)?) throws(CoreError) -> VecCache.RedisImportOptions {
        var options = VecCache.RedisImportOptions()
        options.layout = HashLayout(prefix, vectorFields, blobType, jsonField)
        options.pattern = pattern.map { Array($0.utf8) }
        options.payloadFields = payloadFields
        options.values = values.internalValue
        options.batchSize = batchSize
        options.skipsBad = skipsBad
        options.threads = try ThreadPool.checkedThreads(threads)
        options.progress = progress
        return options
    }
}

extension RedisImportResult {
    init(_ found: VecCache.RedisImportResult) {
        points = found.points
        skipped = found.skipped
        firstReason = found.firstReason
    }
}

extension HashLayout {
    init(_ prefix: String, _ vectorFields: [String: String], _ type: BlobType, _ jsonField: String?) {
        self.init()
        self.prefix = prefix
        self.vectorFields = vectorFields.sorted { $0.key < $1.key }
            .map { VectorField($0.value, vectorName: $0.key.isEmpty ? nil : $0.key) }
        self.type = type.internalValue
        self.jsonField = jsonField
    }
}

extension BlobType {
    fileprivate var internalValue: VecCache.BlobType {
        switch self {
        case .float32: .float32
        case .float64: .float64
        case .float16: .float16
        case .bfloat16: .bfloat16
        }
    }
}

extension FieldValues {
    fileprivate var internalValue: VecCache.FieldValues {
        switch self {
        case .text: .text
        case .numbers: .numbers
        case .json: .json
        }
    }
}
