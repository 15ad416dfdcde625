// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A thread of ours in the process of a host: signals are for the host's own.
package struct BackgroundThread: @unchecked Sendable {
    // Safety: it is ended by `join` or `detach`, once, by whoever started it.

    private let thread: pthread_t

    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts one; nil where the system has none to give.
    /// - Parameter niceness: How far others go before it, as of `nice`. Of this thread alone: Linux has a priority for each.
    package init?(niceness: Int32 = 0, _ run: @escaping @Sendable () -> Void) {
        var all = sigset_t(), before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let body = Unmanaged.passRetained(
            Body {
                if niceness != 0 { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness) }
                run()
            })
        var made = pthread_t()
        let result = pthread_create(
            &made, nil,
            { context in
                if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, body.toOpaque())
        guard result == 0 else {
            body.release()
            return nil
        }
        thread = made
    }

    /// Waits for its end, unless it is the thread that calls.
    package func join() {
        if pthread_equal(thread, pthread_self()) != 0 { pthread_detach(thread) } else { pthread_join(thread, nil) }
    }

    /// Leaves it to itself.
    package func detach() { pthread_detach(thread) }
}
