// SPDX-License-Identifier: Apache-2.0

extension SemanticCache {
    /// Does calls of this cache for a task, on a thread of the cache's own:
    ///
    ///     let hit = try await cache.run { try $0.get(prompt: prompt, vector: vector) }
    ///
    /// The threads of tasks are few, and must not wait, least of all for a server that does not answer. So all that `body` does may
    /// wait; up to 64 such calls run at a time, further ones wait for one to end. A hop costs some ten microseconds: several calls
    /// within one `body` cost one.
    ///
    /// A task that was cancelled before throws `CancellationError`; what has begun goes on to its end, which time-outs bound.
    @discardableResult
    public func run<Result: Sendable>(_ body: @escaping @Sendable (SemanticCache) throws -> Result) async throws -> Result {
        try await threads.call { try body(self) }
    }
}
