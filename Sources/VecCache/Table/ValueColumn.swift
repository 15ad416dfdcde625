// SPDX-License-Identifier: Apache-2.0

import VecCollection
import VecIndex

/// The entries that have a value at a path of their metadata, for filters that ask for values alone: so a filter that was
/// never used before, such as that of a new tenant, costs no look at all entries.
final class ValueColumn: @unchecked Sendable {
    // Safety: `places` is touched under `lock`, `changes` under `changeLock`.

    enum Value: Hashable {
        case text([UInt8])
        case integer(Int64)
        case bool(Bool)
    }

    /// A number, and the record that had it then.
    struct Place: Hashable {
        var number: UInt32
        /// The lower half.
        var serial: UInt32

        init(_ record: EntryRecord) {
            number = record.number
            serial = UInt32(truncatingIfNeeded: record.serial)
        }

        /// The record, where it is there still.
        func record(in records: [EntryRecord?]) -> EntryRecord? {
            guard Int(number) < records.count, let record = records[Int(number)] else { return nil }
            return UInt32(truncatingIfNeeded: record.serial) == serial ? record : nil
        }
    }

    let path: PayloadPath
    private let lock = Lock()
    private var places: [Value: [Place]]?
    /// Places that there are, of entries that are gone too.
    private var count = 0
    private let changeLock = Lock()
    private var changes: [(value: Value, place: Place)] = []

    init(_ path: PayloadPath) { self.path = path }

    /// The values of an entry, as `match` compares them: of an array its elements.
    private func forEachValue(in metadata: JSONValue, _ body: (Value) -> Void) {
        path.forEachValue(in: metadata) { (found) throws(Never) in
            if found.kind == .array {
                for element in found.elements { if let value = ValueColumn.value(element) { body(value) } }
            } else if let value = ValueColumn.value(found) {
                body(value)
            }
            return false
        }
    }

    private static func value(_ json: JSONValue) -> Value? {
        switch json.kind {
        case .string: json.bytes.map { .text(Array($0)) }
        case .integer: json.integer.map { .integer($0) }
        case .bool: json.bool.map { .bool($0) }
        default: nil
        }
    }

    /// An entry has come.
    func note(_ record: EntryRecord, _ metadata: JSONValue) {
        var new: [(value: Value, place: Place)] = []
        forEachValue(in: metadata) { new.append(($0, Place(record))) }
        if !new.isEmpty { changeLock.withLock { changes += new } }
    }

    /// The entries with a value that there were up to now. Some of them may be gone, and some there twice.
    /// - Parameter records: All entries, as they were when the column began to take notes or later.
    func places(of value: Value, _ records: () -> [EntryRecord?]) throws(VecStoreError) -> [Place] {
        try lock.withLock { () throws(VecStoreError) in
            try update(records)
            return places?[value] ?? []
        }
    }

    /// Takes in what was noted, and drops places of entries that are gone where these are most.
    func tidy(alive: Int, _ records: () -> [EntryRecord?]) throws(VecStoreError) {
        try lock.withLock { () throws(VecStoreError) in
            try update(records)
            guard count > 2 * alive + ValueColumn.leastToTidy, let old = places else { return }
            let records = records()
            var kept: [Value: [Place]] = [:]
            count = 0
            for (value, places) in old {
                let there = places.filter { $0.record(in: records) != nil }
                if !there.isEmpty { kept[value] = there }
                count += there.count
            }
            places = kept
        }
    }

    private static let leastToTidy = 8192

    /// Under `lock`.
    private func update(_ records: () -> [EntryRecord?]) throws(VecStoreError) {
        var next = places ?? [:]
        if places == nil {
            for case let record? in records() {
                try record.withMetadata { bytes throws(VecStoreError) in
                    if bytes.isEmpty { return }
                    let document = try Metadata.parse(bytes)
                    defer { withExtendedLifetime(document) {} }
                    forEachValue(in: document.root) {
                        next[$0, default: []].append(Place(record))
                        count += 1
                    }
                }
            }
        }
        places = nil
        let new = changeLock.withLock {
            let new = changes
            changes = []
            return new
        }
        for (value, place) in new { next[value, default: []].append(place) }
        count += new.count
        places = next
    }
}
