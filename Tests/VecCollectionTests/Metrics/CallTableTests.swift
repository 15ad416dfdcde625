// How calls are counted and timed.
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import VecIndex

@testable import VecCollection

struct CallTableTests {
    private let table = CallTable()

    @Test func callsAreInTheFirstBucketThatIsLongEnough() {
        let buckets = CallTable.buckets
        for (i, bucket) in buckets.enumerated() {
            table.note(.get, .ok, nanoseconds: bucket.bound)
            table.note(.get, .ok, nanoseconds: bucket.bound + 1)
            #expect(table.calls(.get).buckets[i] == (i == 0 ? 1 : 2), "up to \(bucket.seconds) s")
        }
        #expect(table.calls(.get).buckets.last == 1)
        #expect(table.calls(.get).count == UInt64(2 * buckets.count))
    }

    @Test func boundsAreWhatTheTextSaysAndRise() {
        for bucket in CallTable.buckets { #expect(Double(bucket.seconds)! * 1e9 == Double(bucket.bound)) }
        #expect(CallTable.buckets.map(\.bound) == CallTable.buckets.map(\.bound).sorted())
    }

    @Test func aClockThatWentBackCountsAsNoTime() {
        table.note(.get, .ok, nanoseconds: -5)
        #expect(table.calls(.get).nanoseconds == 0)
        #expect(table.calls(.get).buckets[0] == 1)
    }

    @Test func endsAreNamedAsTheCodesOfErrors() {
        let names: [(VecStoreError.Code, String)] = [
            (.invalidArgument, "invalid_argument"), (.readOnly, "read_only"), (.io, "io"), (.cancelled, "cancelled"),
            (.locked, "locked"), (.unavailable, "unavailable"), (.internalError, "internal"),
        ]
        for (code, name) in names { #expect(CallEnd.all[CallEnd(code).place] == name) }
    }

    @Test func noCallIsLostAmongThreads() {
        let threads = 8, each = 5000
        var running: [pthread_t] = []
        for _ in 0..<threads {
            var thread = pthread_t()
            let context = Unmanaged.passRetained(table).toOpaque()
            let result = pthread_create(
                &thread, nil,
                { context in
                    guard let context else { return nil }
                    let table = Unmanaged<CallTable>.fromOpaque(context).takeRetainedValue()
                    for i in 0..<5000 { table.note(.search, i % 10 == 0 ? CallEnd(.io) : .ok, nanoseconds: 3) }
                    return nil
                }, context)
            #expect(result == 0)
            running.append(thread)
        }
        for thread in running { pthread_join(thread, nil) }
        let calls = table.calls(.search)
        #expect(calls.count == UInt64(threads * each))
        #expect(calls.ends[CallEnd.ok.place] == UInt64(threads * each * 9 / 10))
        #expect(calls.ends[CallEnd(.io).place] == UInt64(threads * each / 10))
        #expect(calls.nanoseconds == UInt64(3 * threads * each))
        #expect(table.calls(.get).count == 0)
    }
}
