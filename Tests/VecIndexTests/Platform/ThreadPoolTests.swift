// The threads of the library.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import VecIndex

@Suite("Thread pool")
struct ThreadPoolTests {
    @Test("every task runs exactly once", arguments: [0, 1, 2, 3, 100, 5000], [1, 2, 3, 16])
    func everyTaskOnce(tasks: Int, threads: Int) {
        let runs = Shared([Int](repeating: 0, count: tasks))
        ThreadPool.shared.run(tasks: tasks, threads: threads) { task in runs.change { $0[task] += 1 } }
        #expect(runs.current.allSatisfy { $0 == 1 })
    }

    @Test("a negative number of tasks, or threads, runs what there is on the caller")
    func negative() {
        let runs = Shared(0)
        ThreadPool.shared.run(tasks: -1, threads: 2) { _ in runs.change { $0 += 1 } }
        #expect(runs.current == 0)
        ThreadPool.shared.run(tasks: 3, threads: -1) { _ in runs.change { $0 += 1 } }
        #expect(runs.current == 3)
    }

    @Test("one thread is the calling thread, and tasks run in order")
    func oneThread() {
        let caller = pthread_self()
        let order = Shared([Int]())
        ThreadPool.shared.run(tasks: 50, threads: 1) { task in
            #expect(pthread_equal(pthread_self(), caller) != 0)
            order.change { $0.append(task) }
        }
        #expect(order.current == Array(0..<50))
    }

    @Test("tasks run side by side: each waits until all others have begun", arguments: [2, 3, 8])
    func sideBySide(threads: Int) {
        let begun = Shared(0)
        ThreadPool.shared.run(tasks: threads, threads: threads) { _ in
            begun.change { $0 += 1 }
            while begun.current < threads { sched_yield() }
        }
        #expect(begun.current == threads)
    }

    @Test("no more than the threads asked for work on a job", arguments: [1, 2, 3])
    func atMost(threads: Int) {
        let ids = Shared(Set<UInt>())
        ThreadPool.shared.run(tasks: 2000, threads: threads) { _ in ids.change { _ = $0.insert(UInt(pthread_self())) } }
        #expect(ids.current.count <= threads)
    }

    @Test("tasks may run jobs of their own, to any depth")
    func nested() {
        let runs = Shared(0)
        ThreadPool.shared.run(tasks: 6, threads: 3) { _ in
            ThreadPool.shared.run(tasks: 5, threads: 3) { _ in
                ThreadPool.shared.run(tasks: 4, threads: 2) { _ in runs.change { $0 += 1 } }
            }
        }
        #expect(runs.current == 120)
    }

    @Test("many callers at once: each gets all of its own tasks done before it goes on")
    func manyCallers() {
        let unfinished = Shared(0)
        onThreads(8) { caller in
            for round in 0..<50 {
                let runs = Shared([Int](repeating: 0, count: 20))
                ThreadPool.shared.run(tasks: 20, threads: 1 + (caller + round) % 4) { task in runs.change { $0[task] += 1 } }
                if runs.current != [Int](repeating: 1, count: 20) { unfinished.change { $0 += 1 } }
            }
        }
        #expect(unfinished.current == 0)
    }

    /// A process of its own: the number of its threads is looked at.
    @Test("threads begin when they are first needed, and are kept")
    func lazy() async {
        await #expect(processExitsWith: .success) {
            func threads() -> Int {
                guard let tasks = opendir("/proc/self/task") else { return 0 }
                defer { closedir(tasks) }
                var count = 0
                while readdir(tasks) != nil { count += 1 }
                return count - 2
            }
            let atFirst = threads()
            ThreadPool.shared.run(tasks: 100, threads: 1) { _ in }
            let afterOne = threads()
            for _ in 0..<20 { ThreadPool.shared.run(tasks: 100, threads: 4) { _ in } }
            exit(afterOne == atFirst && threads() == atFirst + 3 ? EXIT_SUCCESS : EXIT_FAILURE)
        }
    }

    /// A process of its own: no other test may be inside the library when it forks.
    @Test(
        "the child of a fork goes on with threads of its own",
        .disabled(if: Sanitizer.isThread, "ThreadSanitizer starts no threads after a fork"))
    func fork() async {
        await #expect(processExitsWith: .success) {
            /// Tasks that can only end side by side, so that there must be threads.
            func together() {
                let begun = Shared(0)
                ThreadPool.shared.run(tasks: 3, threads: 3) { _ in
                    begun.change { $0 += 1 }
                    while begun.current < 3 { sched_yield() }
                }
            }
            together()
            for _ in 0..<5 {
                let child = Fork.fork()
                if child == 0 {
                    together()
                    _exit(7)
                }
                together()
                var status: Int32 = 0
                waitpid(child, &status, 0)
                if status != 7 << 8 { exit(EXIT_FAILURE) }
            }
            exit(EXIT_SUCCESS)
        }
    }
}

@Suite("Errors of tasks")
struct ErrorBoxTests {
    @Test("without an error there is nothing to throw")
    func none() throws {
        let errors = ErrorBox()
        errors.run { () throws(VecStoreError) in }
        #expect(!errors.isSet)
        try errors.rethrow()
    }

    @Test("the first error is kept and thrown, every time")
    func first() {
        let errors = ErrorBox()
        errors.run { () throws(VecStoreError) in throw VecStoreError(.io, "one") }
        errors.run { () throws(VecStoreError) in throw VecStoreError(.corrupt, "two") }
        #expect(errors.isSet)
        for _ in 0..<2 { #expect(expectError(.io) { try errors.rethrow() } == "one") }
    }

    @Test("an error of one task among many comes out, and the other tasks are done")
    func amongMany() {
        let errors = ErrorBox()
        let runs = Shared(0)
        ThreadPool.shared.run(tasks: 100, threads: 3) { task in
            errors.run { () throws(VecStoreError) in
                runs.change { $0 += 1 }
                if task == 40 { throw VecStoreError(.notFinite, "task 40") }
            }
        }
        #expect(runs.current == 100)
        expectError(.notFinite) { try errors.rethrow() }
    }
}
