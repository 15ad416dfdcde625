// SPDX-License-Identifier: Apache-2.0

import Glibc
import VecIndex

/// A thread that does what there is to do in the background, and sleeps otherwise.
final class Worker: @unchecked Sendable {
    // Safety: all that changes is touched under `lock`.

    private let lock = Lock()
    private let changed = Condition()
    private var isAwake = false
    private var isStopping = false
    private var thread: BackgroundThread?
    private let owner = thisProcess()
    private let work: @Sendable () -> Next
    private let niceness: Int32

    /// What comes after a piece of work.
    enum Next {
        /// There is more to do.
        case goOn
        case sleep
        /// Something may be due by then, whether anybody wakes the thread or not.
        case sleepFor(milliseconds: Int)
    }

    /// - Parameter niceness: How far others go before it, as of `nice`: 0 where somebody waits for what it does.
    init(niceness: Int32 = 10, _ work: @escaping @Sendable () -> Next) {
        self.work = work
        self.niceness = niceness
    }

    /// There may be something to do. Starts the thread where there is none.
    /// - Returns: Whether there is a thread: where none can be started the next call tries again.
    @discardableResult func wake() -> Bool {
        lock.lock()
        defer { lock.unlock() }
        isAwake = true
        if thread == nil && !isStopping { start() }
        changed.signalAll()
        return thread != nil
    }

    /// Under `lock`.
    private func start() { thread = BackgroundThread(niceness: niceness) { self.run() } }

    /// Ends the thread, after the piece of work that it is at.
    func stop() {
        // In the child of a fork its thread does not exist.
        guard isProcess(owner) else { return }
        lock.lock()
        isStopping = true
        changed.signalAll()
        let running = thread
        thread = nil
        lock.unlock()
        running?.join()
    }

    private func run() {
        var next = Next.goOn
        while true {
            lock.lock()
            if !isAwake && !isStopping {
                switch next {
                case .goOn: break
                case .sleep: while !isAwake && !isStopping { changed.wait(lock) }
                case .sleepFor(let milliseconds): changed.wait(lock, milliseconds: milliseconds)
                }
            }
            isAwake = false
            let isOver = isStopping
            lock.unlock()
            if isOver { return }
            next = work()
        }
    }
}
