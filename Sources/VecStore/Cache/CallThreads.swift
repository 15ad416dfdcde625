// SPDX-License-Identifier: Apache-2.0

import VecIndex

/// Threads for calls that may wait for a server.
///
/// Not those of Swift's tasks, of which there are as many as processors, and which must not wait; nor those of `DispatchQueue`, which
/// on Linux are the same. They begin when they are needed, and end when they were not for a while.
final class CallThreads: @unchecked Sendable {
    // Safety: all that changes is touched under `lock`.

    private let lock = Lock()
    private let changed = VecIndex.Condition()
    /// An array and no slice, which would keep what was taken from it, and with it the cache that these threads belong to.
    private var calls: [@Sendable () -> Void] = []
    private var count = 0
    private var idle = 0

    private static let most = 64
    private static let longestIdle: Int64 = 10_000_000_000

    /// Does a call for a task, which holds no thread meanwhile. One that was cancelled before begins nothing.
    func call<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try Task.checkCancellation()
        return try await withCheckedThrowingContinuation { continuation in
            run { continuation.resume(with: Swift.Result(catching: body)) }
        }
    }

    /// Has a call done as soon as a thread is free: on this one, where the system has none to give.
    func run(_ call: @escaping @Sendable () -> Void) {
        lock.lock()
        calls.append(call)
        if idle < calls.count && count < CallThreads.most && BackgroundThread({ self.work() }).map({ $0.detach() }) != nil {
            count += 1
        }
        let own = count == 0 ? calls.removeFirst() : nil
        lock.unlock()
        if let own { own() } else { changed.signalAll() }
    }

    private func work() {
        while let call = next() { call() }
    }

    /// nil: nothing came, and the thread is to end.
    private func next() -> (@Sendable () -> Void)? {
        lock.lock()
        defer { lock.unlock() }
        let end = ticks() + CallThreads.longestIdle
        while calls.isEmpty {
            if ticks() >= end {
                count -= 1
                return nil
            }
            idle += 1
            changed.wait(lock, milliseconds: Int(CallThreads.longestIdle / 1_000_000))
            idle -= 1
        }
        return calls.removeFirst()
    }
}
