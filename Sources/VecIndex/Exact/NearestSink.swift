// SPDX-License-Identifier: Apache-2.0

/// The nearest result so far; of several that tie the one with the least id, in whatever order they come.
struct NearestSink: ResultSink {
    private(set) var distance = Float.infinity
    private(set) var id = noID

    static var keepsOne: Bool { true }
    var limit: Float { distance }

    mutating func take(_ distance: Float, _ id: UInt64) {
        if distance < self.distance || (distance == self.distance && id < self.id) {
            self.distance = distance
            self.id = id
        }
    }

    mutating func merge(_ other: NearestSink) { take(other.distance, other.id) }
}
