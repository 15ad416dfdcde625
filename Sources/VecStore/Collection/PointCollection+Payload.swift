// SPDX-License-Identifier: Apache-2.0

import VecCollection

extension PointCollection {
    /// Gives points this payload in place of the one that they have. Vectors stay.
    /// - Parameters:
    ///   - payload: nil takes the payload away.
    ///   - ids: Which points. Ids that are not there are passed over.
    /// - Returns: How many points there were.
    /// - Throws: `.invalidArgument` for a payload that is no JSON object, `.tooLarge`, `.readOnly`, `.io`, `.outOfMemory`,
    ///   `.invalidHandle`.
    @discardableResult
    public func setPayload(_ payload: Payload?, _ ids: [PointID]) throws(VecStoreError) -> Int {
        try change(.ids(ids.map(\.core)), .set(payload?.bytes ?? []))
    }

    /// The same for the points that match a filter.
    @discardableResult
    public func setPayload(_ payload: Payload?, filter: Condition) throws(VecStoreError) -> Int {
        try change(.matching(filter.filterBytes), .set(payload?.bytes ?? []))
    }

    /// Puts the members of a payload, of its outermost level, over those that points have; other members stay.
    /// - Returns: How many points there were.
    /// - Throws: As `setPayload`.
    @discardableResult
    public func mergePayload(_ payload: Payload, _ ids: [PointID]) throws(VecStoreError) -> Int {
        try change(.ids(ids.map(\.core)), .merge(payload.bytes))
    }

    /// The same for the points that match a filter.
    @discardableResult
    public func mergePayload(_ payload: Payload, filter: Condition) throws(VecStoreError) -> Int {
        try change(.matching(filter.filterBytes), .merge(payload.bytes))
    }

    /// Takes members out of payloads: those at these keys of the outermost level. Keys that are not there are passed over.
    /// - Returns: How many points there were.
    /// - Throws: As `setPayload`.
    @discardableResult
    public func deletePayloadKeys(_ keys: [String], _ ids: [PointID]) throws(VecStoreError) -> Int {
        try change(.ids(ids.map(\.core)), .deleteKeys(keys))
    }

    /// The same for the points that match a filter.
    @discardableResult
    public func deletePayloadKeys(_ keys: [String], filter: Condition) throws(VecStoreError) -> Int {
        try change(.matching(filter.filterBytes), .deleteKeys(keys))
    }

    private func change(_ selection: PointSelection, _ change: PayloadChange) throws(VecStoreError) -> Int {
        try rethrow { () throws(CoreError) in try core.changePayload(selection, change) }
    }
}
