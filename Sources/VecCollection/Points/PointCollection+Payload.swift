// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// What becomes of a payload.
package enum PayloadChange {
    /// This one in its place.
    case set([UInt8])
    /// The members of this object over those that it has: of the outermost level, as they are.
    case merge([UInt8])
    /// Without what is at these keys of the outermost level.
    case deleteKeys([String])
}

/// The keys in a JSON array of strings.
package func parseKeys(_ json: [UInt8]) throws(VecStoreError) -> [String] {
    try json.withUnsafeBufferPointer { bytes throws(VecStoreError) in
        let document = try JSONDocument(bytes, JSONRules(noun: "keys", bytes: CollectionLimits.filterBytes, depth: 2))
        guard document.root.kind == .array else {
            throw VecStoreError(.invalidArgument, "keys: \(document.root.kind.name), where an array of strings is expected")
        }
        var keys: [String] = []
        for value in document.root.elements {
            guard let key = value.string else {
                throw VecStoreError(.invalidArgument, "keys[\(keys.count)]: \(value.kind.name), where a string is expected")
            }
            keys.append(key)
        }
        return keys
    }
}

/// Which points a change is about.
package enum PointSelection {
    case ids([PointID])
    /// Those that match a filter, as JSON.
    case matching([UInt8])
}

extension PointCollection {
    /// Changes payloads. Vectors stay where they are.
    /// - Returns: How many points were changed: those that are there.
    func changePayloads(_ selection: PointSelection, _ change: PayloadChange) throws(VecStoreError) -> Int {
        let changer = try PayloadChanger(change)
        switch selection {
        case .matching(let filter): try prepare(filter)
        case .ids(let ids): try CollectionLimits.checkIDs(ids.count)
        }
        return try self.change { (database, fields, _) throws(VecStoreError) in
            var count = 0
            func apply(_ row: Int) throws(VecStoreError) {
                let select = try database.statement("SELECT payload, checksum FROM points WHERE row = ?1")
                try select.bind(1, Int64(row))
                guard try select.step() else { return }
                let old = Array(select.bytes(0)), oldSum = select.number(1)
                select.reset()
                let new = try changer.changed(old)
                try fields.forgetTexts(row)
                let update = try database.statement("UPDATE points SET payload = ?2, checksum = ?3 WHERE row = ?1")
                try update.bind(1, Int64(row))
                if !new.isEmpty { try update.bind(2, utf8: new) }
                // What was damaged before stays so.
                let change = old.withUnsafeBufferPointer(payloadChecksum) ^ new.withUnsafeBufferPointer(payloadChecksum)
                try update.bind(3, oldSum ^ Int64(change))
                try update.run()
                let document = new.isEmpty ? nil : try new.withUnsafeBufferPointer { bytes throws(VecStoreError) in
                    try checkPayload(bytes)
                }
                try fields.add(row, document)
                count += 1
            }
            switch selection {
            case .matching(let filter):
                let rows = try FilterCompiler(self, current, database).rows(try filters.filter(filter))
                try rows.forEach { row throws(VecStoreError) in
                    try apply(Int(row))
                    return true
                }
            case .ids(let ids):
                for id in ids { if let row = try findRow(id, database) { try apply(row) } }
            }
            return count
        }
    }
}

/// Makes new payloads of old ones.
private struct PayloadChanger {
    private let change: PayloadChange
    private let document: JSONDocument?

    init(_ change: PayloadChange) throws(VecStoreError) {
        self.change = change
        switch change {
        case .set(let payload), .merge(let payload):
            document = try payload.withUnsafeBufferPointer { bytes throws(VecStoreError) in
                payload.isEmpty ? nil : try checkPayload(bytes)
            }
        case .deleteKeys: document = nil
        }
    }

    func changed(_ old: [UInt8]) throws(VecStoreError) -> [UInt8] {
        switch change {
        case .set(let payload): return payload
        case .merge(let payload):
            if old.isEmpty { return payload }
            guard let document else { return old }
            return try old.withUnsafeBufferPointer { bytes throws(VecStoreError) in
                let merged = try checkPayload(bytes).merging(document)
                return try checkedSize(merged)
            }
        case .deleteKeys(let keys):
            if old.isEmpty { return old }
            return try old.withUnsafeBufferPointer { bytes throws(VecStoreError) in try checkPayload(bytes).deleting(keys) }
        }
    }

    private func checkedSize(_ payload: [UInt8]) throws(VecStoreError) -> [UInt8] {
        guard payload.count <= CollectionLimits.payloadBytes else {
            throw VecStoreError(
                .tooLarge, "a merged payload has \(payload.count) bytes: allowed are \(CollectionLimits.payloadBytes)")
        }
        return payload
    }
}
