// SPDX-License-Identifier: Apache-2.0

import CVecShims
import Glibc
import Synchronization

/// How much a message matters. The values of `vecstore_log_level`: never renumber them.
package enum LogLevel: UInt32, CaseIterable, Sendable {
    case error = 1
    case warning = 2
    case info = 3
    case debug = 4

    package var name: String {
        switch self {
        case .error: "error"
        case .warning: "warning"
        case .info: "info"
        case .debug: "debug"
        }
    }
}

/// Where the library tells what no call returns: to a function of the host, and nowhere else.
///
/// Whoever tells something holds no lock, so that the function may call the library. What it causes there is not told: a message about
/// messages would have no end.
package final class Log: @unchecked Sendable {
    // Safety: `sink`, and `running` of all sinks, are touched under `lock`.

    package static let shared = Log()

    /// A function of the host. The text ends with a zero and is gone when it returns.
    package typealias Function = (LogLevel, UnsafePointer<CChar>) -> Void

    private final class Sink {
        let function: Function
        /// Calls of it that have not returned.
        var running = 0

        init(_ function: @escaping Function) { self.function = function }
    }

    private let lock = Lock()
    private let left = Condition()
    private var sink: Sink?
    /// The least important level that is told; 0: none is.
    private let threshold = Atomic<UInt32>(0)
    private let slow = Atomic<Int64>(.max)

    private init() {
        pthread_atfork({ Log.shared.lock.lock() }, { Log.shared.lock.unlock() }, { Log.shared.beginAgain() })
    }

    /// In the child of a fork: the threads that were in the function are gone.
    private func beginAgain() {
        lock.reset()
        left.reset()
        sink?.running = 0
    }

    // MARK: - Setting

    /// Tells messages to this function from now on; nil: to none. When it returns no call of the one before runs any more; called
    /// from within the function it does not wait, for it would wait for itself.
    package func set(_ function: Function?, _ level: LogLevel) {
        lock.lock()
        let old = sink
        sink = function.map { Sink($0) }
        threshold.store(function == nil ? 0 : level.rawValue, ordering: .relaxed)
        let isInside = vs_log_depth().map { $0.pointee > 0 } ?? false
        if let old, !isInside {
            while old.running > 0 { left.wait(lock) }
        }
        lock.unlock()
        // Released here, after the lock.
        withExtendedLifetime(old) {}
    }

    /// Calls that take as long or longer are told.
    package func setSlow(nanoseconds: Int64) { slow.store(nanoseconds, ordering: .relaxed) }

    package var slowNanoseconds: Int64 { slow.load(ordering: .relaxed) }

    // MARK: - Telling

    package func isTold(_ level: LogLevel) -> Bool { level.rawValue <= threshold.load(ordering: .relaxed) }

    /// Tells something. The caller holds no lock of the library.
    package func tell(_ level: LogLevel, _ message: @autoclosure () -> String) {
        guard isTold(level), let depth = vs_log_depth(), depth.pointee == 0 else { return }
        lock.lock()
        // Between the look at the level and here it may have been set anew.
        guard let sink, isTold(level) else { return lock.unlock() }
        sink.running += 1
        lock.unlock()
        depth.pointee += 1
        // One line, whatever a file name contains.
        let line = message().utf8.map { CChar(bitPattern: $0 < 0x20 ? UInt8(ascii: " ") : $0) } + [0]
        line.withUnsafeBufferPointer { if let text = $0.baseAddress { sink.function(level, text) } }
        depth.pointee -= 1
        lock.lock()
        sink.running -= 1
        if sink.running == 0 { left.signalAll() }
        lock.unlock()
    }
}
