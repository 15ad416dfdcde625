// What the tests of the Redis client have in common.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import TestSupport
import Testing
import VecIndex

@testable import VecCache

extension RedisOptions {
    /// Short waits, so that tests of failures end soon.
    static var hasty: RedisOptions {
        var options = RedisOptions()
        options.connectTimeout = 1000
        options.commandTimeout = 1000
        options.minBackoff = 5
        options.maxBackoff = 50
        options.openTime = 100
        options.maxOpenTime = 200
        return options
    }
}

extension RedisServer {
    func client(_ url: String? = nil, _ change: (inout RedisOptions) -> Void = { _ in }) throws -> RedisClient {
        var options = RedisOptions.hasty
        change(&options)
        return try RedisClient(RedisURL(url ?? self.url), options)
    }
}

extension RedisClient {
    func text(_ command: RedisCommand) throws -> String? { try execute(command).text }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Milliseconds that something takes.
func milliseconds(_ body: () throws -> Void) rethrows -> Int {
    let start = ticks()
    try body()
    return Int((ticks() - start) / 1_000_000)
}

/// Fails unless `body` throws an error of this code; gives it.
@discardableResult
func expect(_ code: VecStoreError.Code, _ location: SourceLocation = #_sourceLocation, _ body: () throws -> Void) -> VecStoreError? {
    let error = #expect(throws: VecStoreError.self, sourceLocation: location) { try body() }
    #expect(error?.code == code, "\(error?.message ?? "")", sourceLocation: location)
    return error
}

/// Waits until something is so, for some seconds at most.
func eventually(_ location: SourceLocation = #_sourceLocation, seconds: Double = 15, _ body: () throws -> Bool) rethrows {
    let end = Deadline(milliseconds: Int(seconds * 1000))
    while try !body() {
        guard !end.hasPassed else {
            Issue.record("it did not come true in \(seconds) s", sourceLocation: location)
            return
        }
        usleep(20_000)
    }
}

/// Threads of the system, which may block as long as they like.
final class Threads: @unchecked Sendable {
    // Safety: each thread has a body of its own; `join` waits for all of them.

    private final class Body {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private var threads: [pthread_t] = []

    init(_ count: Int = 1, _ body: @escaping @Sendable (Int) -> Void) {
        for i in 0..<count {
            var thread = pthread_t()
            let kept = Unmanaged.passRetained(Body { body(i) })
            pthread_create(&thread, nil, { context in
                if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, kept.toOpaque())
            threads.append(thread)
        }
    }

    func join() {
        for thread in threads { pthread_join(thread, nil) }
        threads = []
    }
}

/// A number that threads count up.
final class Counter: Sendable {
    private let number = Atomic<Int>(0)

    var value: Int { number.load(ordering: .relaxed) }
    func add(_ amount: Int = 1) { number.add(amount, ordering: .relaxed) }
}
