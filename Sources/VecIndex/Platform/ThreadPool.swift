// SPDX-License-Identifier: Apache-2.0

import CVecShims
import Glibc
import Synchronization

/// The threads of the library. They begin when they are first needed, wait between jobs, and take no signals of the host.
///
/// A job is a number of tasks; the calling thread works on its own job too, so a job always goes on, however busy the
/// pool is, and jobs may be started from within tasks.
package final class ThreadPool: @unchecked Sendable {
    // Safety: `jobs` and `workers` are touched under `lock` only.

    package static let shared = ThreadPool()

    private let lock = Lock()
    private let workArrived = Condition()
    private var jobs: [Job] = []
    private var workers = 0

    /// One call of `run`.
    private final class Job: @unchecked Sendable {
        // Safety: `helpersWanted` and `helpersActive` are touched under the pool's lock only.

        let next = Atomic<Int>(0)
        let tasks: Int
        /// Lives in the frame of `run`. A pointer, so that a helper that still holds the job does not hold the closure.
        let body: UnsafePointer<(Int) -> Void>
        var helpersWanted: Int
        var helpersActive = 0
        let helpersLeft = Condition()

        init(tasks: Int, helpersWanted: Int, body: UnsafePointer<(Int) -> Void>) {
            self.tasks = tasks
            self.helpersWanted = helpersWanted
            self.body = body
        }

        func work() {
            while true {
                let task = next.add(1, ordering: .relaxed).oldValue
                if task >= tasks { return }
                body.pointee(task)
            }
        }
    }

    private init() {
        pthread_atfork(
            { ThreadPool.shared.lock.lock() },
            { ThreadPool.shared.lock.unlock() },
            { ThreadPool.shared.beginAgain() })
    }

    /// In the child of a fork: the threads are gone.
    private func beginAgain() {
        lock.reset()
        workArrived.reset()
        jobs = []
        workers = 0
    }

    /// The number of threads where a call asks for 0: `VECSTORE_THREADS`, or the processors this process may use.
    package static let defaultThreads: Int = {
        if let text = getenv("VECSTORE_THREADS"), let n = Int(String(cString: text)), n >= 1, n <= Limits.threads {
            return n
        }
        return min(max(Int(vs_processor_count()), 1), Limits.threads)
    }()

    /// What a caller's number of threads means.
    package static func threads(_ wanted: Int) -> Int { wanted == 0 ? defaultThreads : wanted }

    /// The same of a number that nobody has checked.
    package static func checkedThreads(_ wanted: Int) throws(VecStoreError) -> Int {
        guard wanted >= 0 && wanted <= Limits.threads else {
            throw VecStoreError(.invalidArgument, "threads is \(wanted): allowed is 0 (default) to \(Limits.threads)")
        }
        return threads(wanted)
    }

    /// Calls `body` once for each task 0 ..< tasks, on up to `threads` threads, and returns when all are done.
    package func run(tasks: Int, threads: Int, _ body: (Int) -> Void) {
        let helpers = min(threads, tasks) - 1
        guard helpers > 0 else {
            for task in 0..<max(tasks, 0) { body(task) }
            return
        }
        withoutActuallyEscaping(body) { body in withUnsafePointer(to: body) { body in
            let job = Job(tasks: tasks, helpersWanted: helpers, body: body)
            lock.lock()
            jobs.append(job)
            while workers < helpers && startWorker() {}
            workArrived.signalAll()
            lock.unlock()

            job.work()

            lock.lock()
            jobs.removeAll { $0 === job }
            while job.helpersActive > 0 { job.helpersLeft.wait(lock) }
            lock.unlock()
        } }
    }

    /// Calls `body` with each piece of 0 ..< count: its first number, and how many there are. Throws the first error.
    package func runPieces(
        of piece: Int, count: Int, threads: Int, _ body: (_ from: Int, _ n: Int) throws(VecStoreError) -> Void
    ) throws(VecStoreError) {
        let errors = ErrorBox()
        run(tasks: (count + piece - 1) / piece, threads: threads) { task in
            let from = task * piece
            errors.run { () throws(VecStoreError) in try body(from, min(piece, count - from)) }
        }
        try errors.rethrow()
    }

    /// Starts one more thread; false where the system has none. Under `lock`.
    private func startWorker() -> Bool {
        guard let thread = BackgroundThread({ ThreadPool.shared.serve() }) else { return false }
        thread.detach()
        workers += 1
        return true
    }

    private func serve() {
        lock.lock()
        while true {
            guard let job = jobs.first(where: { $0.helpersWanted > 0 }) else {
                workArrived.wait(lock)
                continue
            }
            job.helpersWanted -= 1
            job.helpersActive += 1
            lock.unlock()
            job.work()
            lock.lock()
            job.helpersActive -= 1
            if job.helpersActive == 0 { job.helpersLeft.signalAll() }
        }
    }
}

/// Collects the first error of tasks that run side by side.
package final class ErrorBox: @unchecked Sendable {
    // Safety: `error` is touched under `lock` only.

    private let lock = Lock()
    private var error: VecStoreError?

    package init() {}

    package func set(_ error: VecStoreError) {
        lock.withLock { if self.error == nil { self.error = error } }
    }

    package func run(_ body: () throws(VecStoreError) -> Void) {
        do {
            try body()
        } catch {
            set(error)
        }
    }

    package var isSet: Bool { lock.withLock { error != nil } }

    package func rethrow() throws(VecStoreError) {
        if let error = lock.withLock({ error }) { throw error }
    }
}
