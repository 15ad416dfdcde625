// Threads of the host, as the sanitizers know them, and counters that they share.
// SPDX-License-Identifier: Apache-2.0

import Glibc

@testable import VecIndex

/// Runs `body` once for each number 0 ..< count, each on a thread of its own, and returns when all are done.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    final class Work {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }
    let threads = (0..<count).map { i in
        var thread = pthread_t()
        let work = Unmanaged.passRetained(Work { body(i) }).toOpaque()
        let failure = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, work)
        precondition(failure == 0, "no thread: \(failure)")
        return thread
    }
    for thread in threads { pthread_join(thread, nil) }
}

/// A value that threads share.
final class Shared<Value>: @unchecked Sendable {
    // Safety: touched under `lock` only.
    private let lock = Lock()
    private var value: Value

    init(_ value: Value) { self.value = value }

    var current: Value { change { $0 } }

    @discardableResult
    func change<R>(_ body: (inout Value) -> R) -> R {
        lock.lock()
        defer { lock.unlock() }
        return body(&value)
    }
}
