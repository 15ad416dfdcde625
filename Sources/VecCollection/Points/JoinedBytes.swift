// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Texts one behind the other in memory whose lack is an error, for a `PointBatch`.
package struct JoinedBytes {
    /// As they were given. They live as long as this does.
    package let views: [UnsafeBufferPointer<UInt8>]
    private let memory: Buffer

    package init(_ texts: [[UInt8]], for what: @autoclosure () -> String) throws(VecStoreError) {
        memory = try allocate(UInt8.self, texts.reduce(0) { $0 + $1.count }, for: what())
        var views: [UnsafeBufferPointer<UInt8>] = []
        views.reserveCapacity(texts.count)
        var used = 0
        for text in texts {
            let start = memory.base + used
            text.withUnsafeBytes { if let base = $0.baseAddress { start.copyMemory(from: base, byteCount: $0.count) } }
            views.append(UnsafeBufferPointer(start: UnsafePointer(memory.pointer(UInt8.self, at: used)), count: text.count))
            used += text.count
        }
        self.views = views
    }
}
