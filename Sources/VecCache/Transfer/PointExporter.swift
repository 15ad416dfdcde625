// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// Writes points as hashes, in pipelines.
struct PointExporter {
    private let client: RedisClient
    private let collection: PointCollection
    private let options: RedisExportOptions
    private let columns: [HashLayout.Column]
    private let taken: Set<[UInt8]>
    private var commands: [RedisCommand] = []
    private var ids: [PointID] = []
    private var bytes = 0
    private var count = 0
    /// Ids that are text and read as numbers.
    private var numbers: [UInt64] = []

    /// Points, and bytes of them, of a pipeline.
    private static let mostPoints = 512, mostBytes = 4 << 20

    /// A hash appears whole, in the place of the one before; what is no hash stays.
    private static let script = RedisScript(
        """
        local kind = redis.call('TYPE', KEYS[1]).ok
        if kind ~= 'none' and kind ~= 'hash' then return redis.error_reply('WRONGTYPE the key holds no hash') end
        redis.call('DEL', KEYS[1])
        for i = 2, #ARGV, 1000 do redis.call('HSET', KEYS[1], unpack(ARGV, i, math.min(i + 999, #ARGV))) end
        if ARGV[1] ~= '' then redis.call('PEXPIREAT', KEYS[1], ARGV[1]) end
        return 1
        """)

    init(_ client: RedisClient, _ collection: PointCollection, _ options: RedisExportOptions) throws(VecStoreError) {
        self.client = client
        self.collection = collection
        self.options = options
        columns = try options.layout.columns(collection.settings)
        taken = Set(columns.map(\.field))
    }

    mutating func run() throws(VecStoreError) -> Int {
        let collection = collection
        var lastTotal = 0
        try collection.eachPoint(where: options.filter) { (point, total) throws(VecStoreError) in
            lastTotal = total
            try add(point)
            if commands.count >= PointExporter.mostPoints || bytes >= PointExporter.mostBytes { try flush(total) }
        }
        try flush(max(lastTotal, 1))
        try checkNumbers()
        return count
    }

    /// The ids 7 and '7' would be one key.
    private func checkNumbers() throws(VecStoreError) {
        var from = 0
        while from < numbers.count {
            let some = numbers[from..<min(from + 1000, numbers.count)]
            let list = some.map { "\($0)" }.joined(separator: ",")
            let own = options.filter.map { "," + String(decoding: $0, as: UTF8.self) } ?? ""
            guard try collection.count(where: Array(#"{"must":[{"has_id":[\#(list)]}\#(own)]}"#.utf8)) == 0 else {
                throw VecStoreError(
                    .invalidArgument,
                    "there are ids that are numbers and text with the same digits, such as one of \(list.prefix(60)): "
                        + "they have the same key, which has the point that was written last")
            }
            from += some.count
        }
    }

    private mutating func add(_ point: Point) throws(VecStoreError) {
        let end = point.expires.map { Array("\($0 / 1000)".utf8) } ?? []
        let fields: [[UInt8]]
        do throws(VecStoreError) {
            fields = try self.fields(point)
        } catch {
            throw VecStoreError(error.code, "the point \(point.id): \(error.message)")
        }
        commands.append(
            RedisCommand(PointExporter.script, keys: [options.layout.key(point.id)], arguments: [end] + fields, isRepeatable: true))
        ids.append(point.id)
        if case .text(let text) = point.id, let number = HashLayout.number(text) { numbers.append(number) }
        bytes += fields.reduce(64) { $0 + $1.count }
    }

    /// Names and values, one after the other.
    private func fields(_ point: Point) throws(VecStoreError) -> [[UInt8]] {
        var fields: [[UInt8]] = []
        for column in columns {
            guard let elements = point.vectors[collection.settings[column.place].name] else { continue }
            fields += [column.field, try options.layout.type.blob(elements)]
        }
        if let jsonField = options.layout.jsonField {
            if !point.payload.isEmpty { fields += [Array(jsonField.utf8), point.payload] }
        } else if !point.payload.isEmpty {
            let document = try point.payload.withUnsafeBufferPointer { text throws(VecStoreError) in try checkPayload(text) }
            defer { withExtendedLifetime(document) {} }
            for (name, value) in document.root.members {
                let field = Array(name)
                guard !taken.contains(field) else {
                    throw VecStoreError(
                        .invalidArgument,
                        "its payload has a member \(shown(field)), which is the field of a vector: say another one, or a json_field")
                }
                fields += [field, PointExporter.text(value)]
            }
        }
        guard !fields.isEmpty else {
            throw VecStoreError(.invalidArgument, "it has nothing that would be a field, and a hash has one at least")
        }
        return fields
    }

    /// Strings as they are, all else as JSON.
    private static func text(_ value: JSONValue) -> [UInt8] {
        if let bytes = value.bytes { return Array(bytes) }
        var writer = JSONWriter()
        value.write(to: &writer)
        return writer.bytes
    }

    private mutating func flush(_ total: Int) throws(VecStoreError) {
        if !commands.isEmpty {
            for (id, reply) in zip(ids, try client.pipeline(commands)) {
                if case .error(let failure) = reply {
                    throw VecStoreError(failure.code, "the point \(id) as \(shown(options.layout.key(id))): \(failure.message)")
                }
                count += 1
            }
        }
        commands = []
        ids = []
        bytes = 0
        if let progress = options.progress, !progress(count, max(count, total)) {
            throw VecStoreError(.cancelled, "the export was cancelled: \(count) points are in Redis")
        }
    }
}
