// SPDX-License-Identifier: Apache-2.0

import VecCache

/// How points of a collection become hashes in a Redis.
public struct RedisExportOptions: Sendable {
    /// What keys begin with; the id follows.
    public var prefix: String
    /// The fields of vectors by the names of these, as for an import. Other vectors are left out.
    public var vectorFields: [String: String]
    public var blobType: BlobType
    /// A field for the whole payload; nil: each member has a field of its own.
    public var jsonField: String?
    /// Which points; nil: all.
    public var filter: Condition?
    public var redis: RedisOptions

    public init(
        prefix: String = "", vectorFields: [String: String] = [:], blobType: BlobType = .float32, jsonField: String? = nil,
        filter: Condition? = nil, redis: RedisOptions = RedisOptions()
    ) {
        self.prefix = prefix
        self.vectorFields = vectorFields
        self.blobType = blobType
        self.jsonField = jsonField
        self.filter = filter
        self.redis = redis
    }
}

extension RedisExportOptions {
    func coreOptions(_ progress: ((Int, Int) -> Bool)?) -> VecCache.RedisExportOptions {
        var options = VecCache.RedisExportOptions()
        options.layout = HashLayout(prefix, vectorFields, blobType, jsonField)
        options.filter = filter?.filterBytes
        options.progress = progress
        return options
    }
}
